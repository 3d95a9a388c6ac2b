// Memory for weights and buffers.

#pragma once

#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace sonorize {

constexpr size_t kLine = 64, kHuge = 2u << 20, kLeastPiece = 4u << 20;

// Memory that is given back all at once; zero at first, in large pages where the system has them.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    for (void* piece : pieces_) std::free(piece);
  }

  template <class T>
  T* take(size_t count) {
    const size_t bytes = (count * sizeof(T) + kLine - 1) / kLine * kLine;
    if (bytes > left_) {
      const size_t size = ((bytes > kLeastPiece ? bytes : kLeastPiece) + kHuge - 1) / kHuge * kHuge;
      void* piece = std::aligned_alloc(kHuge, size);
      if (!piece) throw std::bad_alloc();
      pieces_.push_back(piece);
#if defined(__linux__)
      madvise(piece, size, MADV_HUGEPAGE);
#endif
      next_ = static_cast<char*>(piece);
      left_ = size;
    }
    char* taken = next_;
    next_ += bytes;
    left_ -= bytes;
    std::memset(taken, 0, bytes);
    return reinterpret_cast<T*>(taken);
  }

 private:
  std::vector<void*> pieces_;
  char* next_ = nullptr;
  size_t left_ = 0;
};

}  // namespace sonorize
