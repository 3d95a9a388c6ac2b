// Threads that belong to one engine, and how they wait for one another.
//
// Other programs share the cores, so nobody spins for long: a thread that has waited a few microseconds sleeps.

#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sonorize {

inline void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// A number that some threads wait to see changed.
class Signal {
 public:
  uint32_t value() const { return value_.load(std::memory_order_acquire); }

  void set(uint32_t value) {
    value_.store(value);
    if (sleepers_.load() > 0) {  // who sleeps after this line sees the new value before
      std::lock_guard<std::mutex> lock(mutex_);
      changed_.notify_all();
    }
  }

  void wait_while(uint32_t old) {
    for (int spin = 0; spin < kSpins; ++spin) {
      if (value() != old) return;
      pause_briefly();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    ++sleepers_;
    changed_.wait(lock, [&] { return value_.load() != old; });
    --sleepers_;
  }

 private:
  static constexpr int kSpins = 2000;
  std::atomic<uint32_t> value_{0};
  std::atomic<int> sleepers_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
};

struct Team {
  int members = 1;
  std::atomic<int> here{0};
  Signal round;
};

class Pool {
 public:
  explicit Pool(int threads) : threads_(threads) {
    for (int index = 1; index < threads; ++index) others_.emplace_back([this, index] { serve(index); });
  }

  ~Pool() {
    work_ = nullptr;
    start_.set(start_.value() + 1);
    for (std::thread& other : others_) other.join();
  }

  int threads() const { return threads_; }

  // work(index) on every thread, index 0 on the caller's.
  void run(const std::function<void(int)>& work) {
    work_ = &work;
    left_.store(threads_ - 1);
    const uint32_t ended = ended_.value();
    if (threads_ > 1) start_.set(start_.value() + 1);
    work(0);
    if (threads_ > 1) ended_.wait_while(ended);
  }

 private:
  void serve(int index) {
    for (uint32_t seen = 0;;) {
      start_.wait_while(seen);
      seen = start_.value();
      if (!work_) return;
      (*work_)(index);
      if (left_.fetch_sub(1) == 1) ended_.set(ended_.value() + 1);
    }
  }

  const int threads_;
  const std::function<void(int)>* work_ = nullptr;
  std::atomic<int> left_{0};
  Signal start_, ended_;
  std::vector<std::thread> others_;
};

}  // namespace sonorize
