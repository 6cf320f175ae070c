#include "control/delivery/in_parallel.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace anytick::delivery {
namespace {

class Workers {
 public:
  Workers(size_t count, size_t threads, const std::function<void(size_t)>& work) : count_(count), work_(work) {
    for (size_t i = 0; i < std::min(count, std::max<size_t>(threads, 1)); ++i) threads_.emplace_back([this] { run(); });
  }

  /// Until all have ended.
  void attend(const std::function<void(size_t)>& done, const std::function<void()>& idle) {
    std::unique_lock lock(mutex_);
    while (told_ < count_) {
      const bool some = changed_.wait_for(lock, std::chrono::seconds(1), [&] { return ended_.size() > told_; });
      const size_t next = some ? ended_[told_] : 0;
      lock.unlock();
      some ? done(next) : idle();
      lock.lock();
      if (some) ++told_;
      changed_.notify_all();
    }
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    next_ = count_;
    told_ = count_;
    changed_.notify_all();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (next_ < count_) {
      const size_t mine = next_++;
      lock.unlock();
      work_(mine);
      lock.lock();
      const size_t place = ended_.size();
      ended_.push_back(mine);
      changed_.notify_all();
      changed_.wait(lock, [&] { return told_ > place; });
    }
  }

  const size_t count_;
  const std::function<void(size_t)>& work_;
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t next_ = 0; ///< to be begun
  size_t told_ = 0; ///< of ended_
  std::vector<size_t> ended_;
  std::vector<std::jthread> threads_; ///< last: they are joined first
};

} // namespace

void in_parallel(size_t count, size_t threads, const std::function<void(size_t)>& work,
                 const std::function<void(size_t)>& done, const std::function<void()>& idle) {
  Workers workers(count, threads, work);
  try {
    workers.attend(done, idle);
  } catch (...) {
    workers.stop();
    throw;
  }
}

} // namespace anytick::delivery
