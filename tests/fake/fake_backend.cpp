// gst-wav2lip tests: a backend without a network, under the CPU backend's name. Its answers are
// exact functions of their inputs, and a test decides when they come.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fake_backend.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "engine.h"

namespace w2l::fake {
namespace {

struct Control {
  std::mutex lock;
  std::condition_variable cond;
  bool held = false;
  int releases = 0;
  bool fail = false;
  int engines = 0;
  std::vector<int> batches;
  std::vector<Crop> crops;
};

Control &control() {
  static Control instance;
  return instance;
}

constexpr int kSize = 96, kBands = 80, kColumns = 16;

struct Batch {
  Engine::Ticket ticket;
  Region region;
  std::vector<Crop> crops;
  std::vector<std::vector<float>> mels;
  std::function<void()> on_done;
};

class FakeEngine : public Engine {
 public:
  FakeEngine(bool keeps, int max_crop_edge) : keeps_(keeps), worker_([this] { work(); }) {
    info_.family = "fake-96";
    info_.max_crop_edge = max_crop_edge;
    info_.device = "cpu";
    info_.preferred_batch = 4;
    info_.max_batch = 16;
    std::lock_guard<std::mutex> guard(control().lock);
    control().engines++;
  }

  ~FakeEngine() override {
    {
      std::lock_guard<std::mutex> guard(control().lock);
      stopping_ = true;
      control().engines--;
    }
    control().cond.notify_all();
    worker_.join();
  }

  const EngineInfo &info() const override { return info_; }

  Ticket submit(const std::vector<Sample> &samples, Region region,
                std::function<void()> on_done) override {
    if (samples.empty() || static_cast<int>(samples.size()) > info_.max_batch)
      throw Error(ErrorCode::Unsupported, "wrong batch size");
    Batch batch{0, region, {}, {}, std::move(on_done)};
    for (const Sample &sample : samples) {
      batch.crops.push_back({sample.crop.width,
                             sample.crop.height,
                             {sample.crop.pixels, sample.crop.pixels + sample.crop.bytes()}});
      batch.mels.emplace_back(sample.mel, sample.mel + kBands * kColumns);
    }
    std::lock_guard<std::mutex> guard(control().lock);
    control().crops.insert(control().crops.end(), batch.crops.begin(), batch.crops.end());
    batch.ticket = next_++;
    control().batches.push_back(static_cast<int>(samples.size()));
    queue_.push_back(std::move(batch));
    control().cond.notify_all();
    return next_ - 1;
  }

  Answers collect(Ticket ticket) override {
    std::unique_lock<std::mutex> lock(control().lock);
    control().cond.wait(lock, [&] { return done_.count(ticket) > 0; });
    Answers answers = std::move(done_[ticket]);
    done_.erase(ticket);
    if (answers.images.empty())
      throw Error(ErrorCode::Failed, "the fake network failed, as it was told to");
    return answers;
  }

  void discard(Ticket ticket) override {
    std::unique_lock<std::mutex> lock(control().lock);
    auto queued = std::find_if(queue_.begin(), queue_.end(),
                               [&](const Batch &batch) { return batch.ticket == ticket; });
    if (queued != queue_.end()) {
      queue_.erase(queued);
      return;
    }
    control().cond.wait(lock, [&] { return done_.count(ticket) > 0; });
    done_.erase(ticket);
  }

 private:
  void work() {
    std::unique_lock<std::mutex> lock(control().lock);
    for (;;) {
      control().cond.wait(lock, [&] {
        return stopping_ || (!queue_.empty() && (!control().held || control().releases > 0));
      });
      if (stopping_) return;
      if (control().held) control().releases--;
      Batch batch = std::move(queue_.front());
      queue_.pop_front();
      bool fail = std::exchange(control().fail, false);
      done_[batch.ticket] = fail ? Answers() : answer(batch);
      control().cond.notify_all();
      lock.unlock();
      batch.on_done();
      lock.lock();
    }
  }

  Answers answer(const Batch &batch) {
    Answers answers;
    answers.first_valid_row = batch.region == Region::Lower ? kSize / 2 : 0;
    answers.end_valid_row = kSize;
    answers.milliseconds = 1;
    for (std::size_t i = 0; i < batch.crops.size(); i++) {
      std::vector<std::uint8_t> image = batch.crops[i].pixels;
      if (keeps_ && !seen_.insert(image).second) ++answers.repeated_crops;
      if (image.size() != kSize * kSize * 3) image.assign(kSize * kSize * 3, image.front());
      for (std::size_t p = 0; p < image.size(); p += 3) {
        image[p] = static_cast<std::uint8_t>(255 - image[p]);
        image[p + 1] = level(batch.mels[i].front());
        image[p + 2] = level(batch.mels[i].back());
      }
      answers.images.push_back(std::move(image));
    }
    return answers;
  }

  EngineInfo info_;
  const bool keeps_;
  std::set<std::vector<std::uint8_t>> seen_;  // crops
  std::deque<Batch> queue_;
  std::map<Ticket, Answers> done_;
  Ticket next_ = 1;
  bool stopping_ = false;
  std::thread worker_;
};

}  // namespace

std::uint8_t level(float mel) {
  return static_cast<std::uint8_t>(std::clamp((mel + 4.0f) * 31.875f, 0.0f, 255.0f));
}

void reset() {
  std::lock_guard<std::mutex> guard(control().lock);
  control().held = control().fail = false;
  control().releases = 0;
  control().batches.clear();
  control().crops.clear();
  control().cond.notify_all();
}

void hold(bool held) {
  std::lock_guard<std::mutex> guard(control().lock);
  control().held = held;
  control().releases = 0;
  control().cond.notify_all();
}

void release_one() {
  std::lock_guard<std::mutex> guard(control().lock);
  control().releases++;
  control().cond.notify_all();
}

void fail_next() {
  std::lock_guard<std::mutex> guard(control().lock);
  control().fail = true;
}

std::vector<int> batches() {
  std::lock_guard<std::mutex> guard(control().lock);
  return control().batches;
}

std::vector<Crop> crops() {
  std::lock_guard<std::mutex> guard(control().lock);
  return control().crops;
}

void wait_for_batches(std::size_t count) {
  std::unique_lock<std::mutex> lock(control().lock);
  control().cond.wait(lock, [&] { return control().batches.size() >= count; });
}

int engines() {
  std::lock_guard<std::mutex> guard(control().lock);
  return control().engines;
}

}  // namespace w2l::fake

namespace {

std::shared_ptr<w2l::Engine> open_fake(const w2l::EngineConfig &config) {
  std::ifstream file(config.model);
  std::string word;
  int max_crop_edge = 0;
  file >> word >> max_crop_edge;
  if (word != "fake")
    throw w2l::Error(w2l::ErrorCode::Format, config.model + " is not a fake checkpoint");
  // For tests that start another process.
  if (const char *log = std::getenv("W2L_FAKE_OPENED"))
    std::ofstream(log, std::ios::app) << config.model << "\n";
  return std::make_shared<w2l::fake::FakeEngine>(config.feature_cache_bytes > 0, max_crop_edge);
}

}  // namespace

extern "C" const w2l::Backend *w2l_backend(void) {
  static const w2l::Backend backend{w2l::Backend::kAbiVersion, open_fake};
  return &backend;
}
