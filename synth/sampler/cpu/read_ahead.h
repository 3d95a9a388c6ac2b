// Memory that is needed soon, asked for a little at a time beside products whose own numbers come out of near caches.
//
// A step of sampling reads far more than the nearest cache of a core holds, and knows most of it before: the rows of
// tables of all levels but the newest, and the next word's matrix. The way to the far cache would stand idle otherwise.

#pragma once

#include <vector>

#include "lanes.h"

namespace sonorize {
namespace {

class ReadAhead {
 public:
  void clear() {
    pieces_.clear();
    next_ = 0;
    at_ = end_ = nullptr;
  }

  void add(const void* data, size_t bytes) {
    const char* begin = static_cast<const char*>(data);
    pieces_.push_back({begin, begin + bytes});
  }

  // Ask for as many lines.
  SONORIZE_INLINE void some(int lines) {
    for (; lines > 0; --lines, at_ += kLine) {
      if (at_ >= end_ && !turn()) return;
      __builtin_prefetch(at_, 0, 2);
    }
  }

 private:
  static constexpr int kLine = 64;
  struct Piece {
    const char *begin, *end;
  };

  bool turn() {
    if (next_ == pieces_.size()) return false;
    at_ = pieces_[next_].begin;
    end_ = pieces_[next_].end;
    ++next_;
    return true;
  }

  std::vector<Piece> pieces_;
  size_t next_ = 0;
  const char *at_ = nullptr, *end_ = nullptr;
};

}  // namespace
}  // namespace sonorize
