// gst-wav2lip tests: tickets, order, callbacks and errors of an engine's threads, without Torch.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <new>
#include <set>
#include <stdexcept>
#include <thread>

#include "no_threads.h"
#include "scarce_memory.h"
#include "worker_pool.h"

namespace w2l {
namespace {

// Batches with crops of one byte; the answer to a byte is its successor.
Batch batch_of(const std::vector<std::uint8_t> &bytes, int first_row = 48) {
  Batch batch;
  batch.count = static_cast<int>(bytes.size());
  batch.crops = bytes;
  batch.first_row = first_row;
  batch.end_row = 96;
  return batch;
}

std::uint8_t byte_of(const WorkerPool::Work &work) {
  return work.batch->crops[static_cast<std::size_t>(work.sample)];
}

// Calls crops below 10 repeated.
void successor(WorkerPool::Piece &piece) {
  for (WorkerPool::Work &work : piece) {
    *work.image = {static_cast<std::uint8_t>(byte_of(work) + 1)};
    work.repeated = byte_of(work) < 10;
  }
}

std::vector<int> bytes_of(const Answers &answers) {
  std::vector<int> result;
  for (const auto &image : answers.images) result.push_back(image.at(0));
  return result;
}

// Holds workers back until it is opened.
class Gate {
 public:
  void open() {
    std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock<std::mutex> lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_for_arrivals(int count) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int arrived_ = 0;
};

TEST(WorkerPool, AnswersEverySampleInItsPlace) {
  for (int workers : {1, 2, 3}) {
    WorkerPool pool(workers, 2, [](int) { return successor; });
    const Answers answers = pool.collect(pool.submit(batch_of({10, 20, 30, 40, 50}), nullptr));
    EXPECT_EQ(bytes_of(answers), (std::vector<int>{11, 21, 31, 41, 51}));
    EXPECT_EQ(answers.first_valid_row, 48);
    EXPECT_EQ(answers.end_valid_row, 96);
    EXPECT_GE(answers.milliseconds, 0);
  }
}

TEST(WorkerPool, CountsTheRepeatedCropsOfAllPieces) {
  WorkerPool pool(2, 2, [](int) { return successor; });
  const auto submit = [&](const std::vector<std::uint8_t> &crops) {
    return pool.collect(pool.submit(batch_of(crops), nullptr)).repeated_crops;
  };
  EXPECT_EQ(submit({1, 20, 3, 40, 5, 6, 70}), 4);
  EXPECT_EQ(submit({20}), 0);
}

TEST(WorkerPool, SharesABatchEvenlyAndLimitsPieces) {
  std::mutex mutex;
  std::multiset<std::size_t> pieces;
  WorkerPool pool(2, 8, [&](int) {
    return [&](WorkerPool::Piece &piece) {
      std::lock_guard<std::mutex> lock(mutex);
      pieces.insert(piece.size());
      successor(piece);
    };
  });
  pool.collect(pool.submit(batch_of(std::vector<std::uint8_t>(8)), nullptr));
  EXPECT_EQ(pieces, (std::multiset<std::size_t>{4, 4}));
  pieces.clear();
  pool.collect(pool.submit(batch_of(std::vector<std::uint8_t>(1)), nullptr));
  EXPECT_EQ(pieces, (std::multiset<std::size_t>{1}));
  pieces.clear();
  pool.collect(pool.submit(batch_of(std::vector<std::uint8_t>(19)), nullptr));
  EXPECT_EQ(pieces, (std::multiset<std::size_t>{8, 8, 3}));
}

// Holds all workers back with a batch each while batches are submitted behind them, and tells what
// was computed together then.
class Together {
 public:
  using Bytes = std::vector<std::uint8_t>;
  static constexpr std::uint8_t kHeld = 255, kFailing = 254;

  Together(int workers, int max_piece)
      : pool_(workers, max_piece,
              [this](int) { return [this](WorkerPool::Piece &piece) { compute(piece); }; }) {
    for (int i = 0; i < workers; ++i) {
      pool_.submit(batch_of({kHeld}), nullptr);
      gate_.wait_for_arrivals(i + 1);
    }
  }

  WorkerPool &pool() { return pool_; }
  void submit(const Batch &batch) { tickets_.push_back(pool_.submit(batch, nullptr)); }

  const std::vector<Engine::Ticket> &let_go() {
    gate_.open();
    return tickets_;
  }
  // What was answered, in the order of submission.
  std::vector<Answers> go_on() {
    std::vector<Answers> all;
    for (const Engine::Ticket ticket : let_go()) all.push_back(pool_.collect(ticket));
    return all;
  }
  const std::vector<Bytes> &pieces() const { return pieces_; }

 private:
  void compute(WorkerPool::Piece &piece) {
    if (byte_of(piece[0]) == kHeld) return gate_.pass();
    Bytes bytes;
    for (const WorkerPool::Work &work : piece) bytes.push_back(byte_of(work));
    {
      std::lock_guard<std::mutex> lock(mutex_);
      pieces_.push_back(bytes);
    }
    if (std::count(bytes.begin(), bytes.end(), kFailing) > 0) throw std::bad_alloc();
    successor(piece);
  }

  Gate gate_;
  std::mutex mutex_;
  std::vector<Bytes> pieces_;
  std::vector<Engine::Ticket> tickets_;
  WorkerPool pool_;
};

using Pieces = std::vector<Together::Bytes>;

TEST(WorkerPool, ComputesSmallBatchesThatWaitTogether) {
  Together together(1, 8);
  for (std::uint8_t i : {1, 20, 3}) together.submit(batch_of({i}));
  together.submit(batch_of({40, 5}));
  const std::vector<Answers> answers = together.go_on();
  EXPECT_EQ(together.pieces(), (Pieces{{1, 20, 3, 40, 5}}));
  EXPECT_EQ(bytes_of(answers[0]), (std::vector<int>{2}));
  EXPECT_EQ(bytes_of(answers[1]), (std::vector<int>{21}));
  EXPECT_EQ(bytes_of(answers[2]), (std::vector<int>{4}));
  EXPECT_EQ(bytes_of(answers[3]), (std::vector<int>{41, 6}));
  EXPECT_EQ(answers[0].repeated_crops, 1);
  EXPECT_EQ(answers[1].repeated_crops, 0);
  EXPECT_EQ(answers[3].repeated_crops, 1);
}

TEST(WorkerPool, ComputesNoMoreTogetherThanAPieceHolds) {
  Together together(1, 3);
  for (std::uint8_t i : {1, 2, 3, 4, 5}) together.submit(batch_of({i}));
  together.go_on();
  EXPECT_EQ(together.pieces(), (Pieces{{1, 2, 3}, {4, 5}}));
}

TEST(WorkerPool, LeavesTheOtherWorkersTheirShare) {
  Together together(2, 8);
  for (std::uint8_t i : {1, 2, 3, 4, 5, 6}) together.submit(batch_of({i}));
  together.go_on();
  Pieces pieces = together.pieces();
  std::sort(pieces.begin(), pieces.end());
  // The second of them may have been quick enough to take the third piece.
  EXPECT_EQ(pieces, (Pieces{{1, 2, 3}, {4, 5}, {6}}));
}

TEST(WorkerPool, CutsABatchAsItDoesAloneWhateverWaitsBehindIt) {
  Together together(2, 8);
  together.submit(batch_of({1, 2, 3, 4}));
  together.submit(batch_of({5, 6, 7, 8}));
  together.go_on();
  Pieces pieces = together.pieces();
  std::sort(pieces.begin(), pieces.end());
  EXPECT_EQ(pieces, (Pieces{{1, 2}, {3, 4}, {5, 6}, {7, 8}}));
}

TEST(WorkerPool, PutsWholeBatchesBehindTheLastPartOfOne) {
  Together together(2, 8);
  together.submit(batch_of({1, 2}));
  for (std::uint8_t i : {3, 4, 5, 6}) together.submit(batch_of({i}));
  together.go_on();
  Pieces pieces = together.pieces();
  std::sort(pieces.begin(), pieces.end());
  EXPECT_EQ(pieces, (Pieces{{1}, {2, 3, 4}, {5}, {6}}));
}

TEST(WorkerPool, ComputesOtherRowsApart) {
  Together together(1, 8);
  together.submit(batch_of({1}));
  together.submit(batch_of({2}, 0));
  together.submit(batch_of({3}, 0));
  together.submit(batch_of({4}));
  together.go_on();
  EXPECT_EQ(together.pieces(), (Pieces{{1}, {2, 3}, {4}}));
}

TEST(WorkerPool, FailsAllBatchesOfAPiece) {
  Together together(1, 8);
  together.submit(batch_of({1}));
  together.submit(batch_of({Together::kFailing}));
  for (const Engine::Ticket ticket : together.let_go()) {
    try {
      together.pool().collect(ticket);
      ADD_FAILURE() << "answered";
    } catch (const Error &error) {
      EXPECT_EQ(error.code(), ErrorCode::OutOfMemory);
    }
  }
  EXPECT_EQ(bytes_of(together.pool().collect(together.pool().submit(batch_of({5}), nullptr))),
            (std::vector<int>{6}));
}

TEST(WorkerPool, PreparesEveryWorkerOnItsOwnThreadInOrder) {
  std::vector<int> order;
  std::set<std::thread::id> threads;
  WorkerPool pool(3, 1, [&](int worker) {
    order.push_back(worker);
    threads.insert(std::this_thread::get_id());
    return successor;
  });
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(threads.size(), 3u);
  EXPECT_EQ(threads.count(std::this_thread::get_id()), 0u);
}

TEST(WorkerPool, CallsBackInTheOrderOfSubmission) {
  Gate first_batch;
  std::vector<int> done;  // callbacks never overlap, so it needs no lock
  WorkerPool pool(2, 1, [&](int) {
    return [&](WorkerPool::Piece &piece) {
      if (byte_of(piece[0]) == 1) first_batch.pass();
      successor(piece);
      if (byte_of(piece[0]) == 3) first_batch.open();  // the later ones are computed by then
    };
  });
  std::vector<Engine::Ticket> tickets;
  for (std::uint8_t i : {1, 2, 3})
    tickets.push_back(pool.submit(batch_of({i}), [&done, i] { done.push_back(i); }));
  EXPECT_LT(tickets[0], tickets[1]);
  // Collecting the last one first is allowed; it comes last all the same.
  EXPECT_EQ(bytes_of(pool.collect(tickets[2])), (std::vector<int>{4}));
  EXPECT_EQ(done, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(bytes_of(pool.collect(tickets[0])), (std::vector<int>{2}));
  EXPECT_EQ(bytes_of(pool.collect(tickets[1])), (std::vector<int>{3}));
}

TEST(WorkerPool, CallsBackOneAtATimeWhileOtherWorkersGoOn) {
  Gate third_batch;
  third_batch.open();  // it only counts who comes by
  std::atomic<bool> second_called{false};
  bool overlapped = true;
  WorkerPool pool(2, 1, [&](int) {
    return [&](WorkerPool::Piece &piece) {
      if (byte_of(piece[0]) == 3) third_batch.pass();
      successor(piece);
    };
  });
  // The first callback lasts until the other worker has done the second batch and goes on.
  pool.submit(batch_of({1}), [&] {
    third_batch.wait_for_arrivals(1);
    overlapped = second_called;
  });
  pool.submit(batch_of({2}), [&] { second_called = true; });
  pool.collect(pool.submit(batch_of({3}), nullptr));
  EXPECT_FALSE(overlapped);
  EXPECT_TRUE(second_called);
}

TEST(WorkerPool, HasCalledBackAndFreedTheCallbackWhenCollectReturns) {
  WorkerPool pool(1, 1, [](int) { return successor; });
  for (int i = 0; i < 200; ++i) {
    auto owned = std::make_shared<int>(0);
    const auto ticket = pool.submit(batch_of({1}), [owned] { ++*owned; });
    pool.collect(ticket);
    EXPECT_EQ(*owned, 1);
    EXPECT_EQ(owned.use_count(), 1);
  }
}

TEST(WorkerPool, DropsADiscardedBatchThatHasNotStarted) {
  Gate gate;
  std::atomic<int> computed{0}, called{0};
  WorkerPool pool(1, 4, [&](int) {
    return [&](WorkerPool::Piece &piece) {
      gate.pass();
      ++computed;
      successor(piece);
    };
  });
  const auto running = pool.submit(batch_of({1}), nullptr);
  gate.wait_for_arrivals(1);
  const auto dropped = pool.submit(batch_of({2}), [&] { ++called; });
  const auto kept = pool.submit(batch_of({3}), nullptr);
  pool.discard(dropped);
  gate.open();
  EXPECT_EQ(bytes_of(pool.collect(running)), (std::vector<int>{2}));
  EXPECT_EQ(bytes_of(pool.collect(kept)), (std::vector<int>{4}));
  EXPECT_EQ(computed, 2);
  EXPECT_EQ(called, 0);
}

TEST(WorkerPool, DiscardWaitsForTheCallbackOfARunningBatch) {
  Gate gate;
  std::atomic<bool> called{false};
  WorkerPool pool(1, 4, [&](int) {
    return [&](WorkerPool::Piece &piece) {
      gate.pass();
      successor(piece);
    };
  });
  const auto ticket = pool.submit(batch_of({1}), [&] { called = true; });
  gate.wait_for_arrivals(1);
  std::thread opener([&] { gate.open(); });
  pool.discard(ticket);
  EXPECT_TRUE(called);
  opener.join();
  EXPECT_THROW(pool.collect(ticket), Error);  // gone
}

TEST(WorkerPool, DeliversAFailureAsATypedErrorAndGoesOn) {
  WorkerPool pool(2, 1, [](int) {
    return [](WorkerPool::Piece &piece) {
      if (byte_of(piece[0]) == 1) throw std::runtime_error("first of several pieces");
      if (byte_of(piece[0]) == 2) throw std::bad_alloc();
      if (byte_of(piece[0]) == 3) throw Error(ErrorCode::Unsupported, "as it was");
      if (byte_of(piece[0]) == 4) throw 42;
      successor(piece);
    };
  });
  const auto code_of = [&](std::uint8_t kind) {
    bool called = false;
    const auto ticket = pool.submit(batch_of({kind, kind, kind}), [&] { called = true; });
    try {
      pool.collect(ticket);
    } catch (const Error &error) {
      EXPECT_TRUE(called);
      return error.code();
    }
    return ErrorCode::NotFound;
  };
  EXPECT_EQ(code_of(1), ErrorCode::Failed);
  EXPECT_EQ(code_of(2), ErrorCode::OutOfMemory);
  EXPECT_EQ(code_of(3), ErrorCode::Unsupported);
  EXPECT_EQ(code_of(4), ErrorCode::Failed);
  EXPECT_EQ(bytes_of(pool.collect(pool.submit(batch_of({5}), nullptr))), (std::vector<int>{6}));
}

// Submits batches of one sample until they have asked for more memory for the lists of jobs, too.
// `failing` is the number of the allocation that fails in each.
std::vector<Engine::Ticket> submit_some(WorkerPool &pool, long failing, int &called) {
  std::vector<Engine::Ticket> tickets;
  tickets.reserve(200);
  for (int i = 0; i < 200; ++i) {
    Batch batch = batch_of({5});
    test::allocations_left = failing;
    try {
      tickets.push_back(pool.submit(std::move(batch), [&called] { ++called; }));
    } catch (const std::bad_alloc &) {
    }
    test::allocations_left = test::kPlenty;
  }
  return tickets;
}

TEST(WorkerPool, DeliversAFailureWhereThereIsNoMemoryAtAll) {
  const std::runtime_error unknown("of which no message can be made");
  WorkerPool pool(1, 1, [&](int) {
    return [&](WorkerPool::Piece &piece) {
      test::allocations_left = test::kPlenty;
      const std::uint8_t kind = byte_of(piece[0]);
      if (kind > 2) return successor(piece);
      test::allocations_left = 0;
      if (kind == 1) throw std::bad_alloc();
      throw unknown;
    };
  });
  for (const std::uint8_t kind : {1, 2, 1}) {
    const auto ticket = pool.submit(batch_of({kind}), nullptr);
    try {
      pool.collect(ticket);
      ADD_FAILURE() << "answered";
    } catch (const Error &error) {
      EXPECT_EQ(error.code(), ErrorCode::OutOfMemory);
    }
  }
  EXPECT_EQ(bytes_of(pool.collect(pool.submit(batch_of({5}), nullptr))), (std::vector<int>{6}));
}

TEST(WorkerPool, HasNothingOfABatchThatThereWasNoMemoryFor) {
  std::size_t most = 0;
  for (long failing = 0; most < 200; ++failing) {
    Together held(1, 1);
    int called = 0;
    const auto tickets = submit_some(held.pool(), failing, called);
    most = tickets.size();
    held.let_go();
    for (const Engine::Ticket ticket : tickets)
      EXPECT_EQ(bytes_of(held.pool().collect(ticket)), (std::vector<int>{6}));
    EXPECT_EQ(called, static_cast<int>(tickets.size()));
    EXPECT_EQ(bytes_of(held.pool().collect(held.pool().submit(batch_of({7}), nullptr))),
              (std::vector<int>{8}));
  }
}

TEST(WorkerPool, CollectsOnce) {
  WorkerPool pool(1, 1, [](int) { return successor; });
  const auto ticket = pool.submit(batch_of({1}), nullptr);
  pool.collect(ticket);
  EXPECT_THROW(pool.collect(ticket), Error);
  EXPECT_THROW(pool.collect(ticket + 1), Error);
  pool.discard(ticket);  // nothing left to give up: no harm
}

TEST(WorkerPool, ThrowsWhatPrepareThrows) {
  const auto make = [](int failing) {
    WorkerPool pool(3, 1, [failing](int worker) -> WorkerPool::Run {
      if (worker == failing) throw Error(ErrorCode::Format, "damaged");
      return successor;
    });
  };
  EXPECT_THROW(make(0), Error);
  EXPECT_THROW(make(2), Error);
}

// Writes what the pool throws.
void make_pool_without_threads() {
  try {
    test::forbid_threads();
    WorkerPool pool(2, 1, [](int) { return successor; });
    std::fputs("made", stderr);
  } catch (const Error &error) {
    std::fputs(error.what(), stderr);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "no Error: %s", error.what());
  }
  std::_Exit(0);
}

TEST(WorkerPoolDeathTest, SaysWhatToDoWhenNoThreadCanBeStarted) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(make_pool_without_threads(), testing::ExitedWithCode(0),
              "^no thread can be started \\(.+\\); raise the limit .+ or use fewer threads$");
}

TEST(WorkerPool, WaitsForRunningWorkWhenDestroyed) {
  Gate gate;
  std::atomic<bool> computed{false};
  auto pool = std::make_unique<WorkerPool>(1, 1, [&](int) {
    return [&](WorkerPool::Piece &piece) {
      gate.pass();
      successor(piece);
      computed = true;
    };
  });
  pool->submit(batch_of({1}), nullptr);
  gate.wait_for_arrivals(1);
  std::thread opener([&] { gate.open(); });
  pool.reset();
  EXPECT_TRUE(computed);
  opener.join();
}

TEST(WorkerPool, MayBeDestroyedByACallback) {
  const auto destroyed = std::make_shared<Gate>();  // its thread may outlive this test's frame
  auto pool = std::make_shared<WorkerPool>(2, 1, [](int) { return successor; });
  WorkerPool *raw = pool.get();
  raw->submit(batch_of({1}), [destroyed, pool = std::move(pool)]() mutable {
    pool.reset();
    destroyed->open();
  });
  destroyed->pass();
}

}  // namespace
}  // namespace w2l
