// gst-wav2lip tests: tickets, order, callbacks and errors of an engine's threads, without Torch.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <set>
#include <stdexcept>
#include <thread>

#include "worker_pool.h"

namespace w2l {
namespace {

// Batches with crops of one byte; the answer to a byte is its successor.
Batch batch_of(const std::vector<std::uint8_t> &bytes) {
  Batch batch;
  batch.count = static_cast<int>(bytes.size());
  batch.crops = bytes;
  batch.first_row = 48;
  batch.end_row = 96;
  return batch;
}

// Calls crops below 10 repeated.
int successor(const Batch &batch, int first, int count, WorkerPool::Images &images) {
  int repeated = 0;
  for (int i = first; i < first + count; ++i) {
    const auto index = static_cast<std::size_t>(i);
    images[index] = {static_cast<std::uint8_t>(batch.crops[index] + 1)};
    repeated += batch.crops[index] < 10;
  }
  return repeated;
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
  std::multiset<int> pieces;
  WorkerPool pool(2, 8, [&](int) {
    return [&](const Batch &batch, int first, int count, WorkerPool::Images &images) {
      std::lock_guard<std::mutex> lock(mutex);
      pieces.insert(count);
      return successor(batch, first, count, images);
    };
  });
  pool.collect(pool.submit(batch_of(std::vector<std::uint8_t>(8)), nullptr));
  EXPECT_EQ(pieces, (std::multiset<int>{4, 4}));
  pieces.clear();
  pool.collect(pool.submit(batch_of(std::vector<std::uint8_t>(1)), nullptr));
  EXPECT_EQ(pieces, (std::multiset<int>{1}));
  pieces.clear();
  pool.collect(pool.submit(batch_of(std::vector<std::uint8_t>(19)), nullptr));
  EXPECT_EQ(pieces, (std::multiset<int>{8, 8, 3}));
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
    return [&](const Batch &batch, int first, int count, WorkerPool::Images &images) {
      if (batch.crops[0] == 1) first_batch.pass();
      const int repeated = successor(batch, first, count, images);
      if (batch.crops[0] == 3) first_batch.open();  // the later ones are computed by then
      return repeated;
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
    return [&](const Batch &batch, int first, int count, WorkerPool::Images &images) {
      if (batch.crops[0] == 3) third_batch.pass();
      return successor(batch, first, count, images);
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
    return [&](const Batch &batch, int first, int count, WorkerPool::Images &images) {
      gate.pass();
      ++computed;
      return successor(batch, first, count, images);
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
    return [&](const Batch &batch, int first, int count, WorkerPool::Images &images) {
      gate.pass();
      return successor(batch, first, count, images);
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
    return [](const Batch &batch, int first, int count, WorkerPool::Images &images) {
      if (batch.crops[0] == 1) throw std::runtime_error("first of several pieces");
      if (batch.crops[0] == 2) throw std::bad_alloc();
      if (batch.crops[0] == 3) throw Error(ErrorCode::Unsupported, "as it was");
      if (batch.crops[0] == 4) throw 42;
      return successor(batch, first, count, images);
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

TEST(WorkerPool, WaitsForRunningWorkWhenDestroyed) {
  Gate gate;
  std::atomic<bool> computed{false};
  auto pool = std::make_unique<WorkerPool>(1, 1, [&](int) {
    return [&](const Batch &batch, int first, int count, WorkerPool::Images &images) {
      gate.pass();
      const int repeated = successor(batch, first, count, images);
      computed = true;
      return repeated;
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
