// Memory for weights and buffers.

#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace sonorize {

constexpr size_t kLine = 64, kHuge = 2u << 20, kLeastPiece = 4u << 20;

// Memory of whole large pages that nobody has used before: what a heap has handed out once stays in small pages, and
// weights are read so fast that finding their pages counts.
class Pages {
 public:
  explicit Pages(size_t bytes) : size_((bytes + kHuge - 1) / kHuge * kHuge) {
#if defined(__linux__)
    void* mapped = mmap(nullptr, size_ + kHuge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    // What lies outside is never touched, and so takes no memory.
    mapped_ = mapped;
    begin_ = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(mapped) + kHuge - 1) / kHuge * kHuge);
    madvise(begin_, size_, MADV_HUGEPAGE);
#else
    begin_ = static_cast<char*>(std::aligned_alloc(kHuge, size_));
    if (!begin_) throw std::bad_alloc();
    std::memset(begin_, 0, size_);
#endif
  }
  ~Pages() {
#if defined(__linux__)
    munmap(mapped_, size_ + kHuge);
#else
    std::free(begin_);
#endif
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  char* begin() const { return begin_; }
  size_t size() const { return size_; }

 private:
  size_t size_;
  char* begin_ = nullptr;
  void* mapped_ = nullptr;
};

// Memory that is given back all at once; zero at first.
class Arena {
 public:
  template <class T>
  T* take(size_t count) {
    const size_t bytes = (count * sizeof(T) + kLine - 1) / kLine * kLine;
    if (bytes > left_) {
      pieces_.push_back(std::make_unique<Pages>(bytes > kLeastPiece ? bytes : kLeastPiece));
      next_ = pieces_.back()->begin();
      left_ = pieces_.back()->size();
    }
    char* taken = next_;
    next_ += bytes;
    left_ -= bytes;
    return reinterpret_cast<T*>(taken);
  }

 private:
  std::vector<std::unique_ptr<Pages>> pieces_;
  char* next_ = nullptr;
  size_t left_ = 0;
};

}  // namespace sonorize
