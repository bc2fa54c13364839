// SPDX-License-Identifier: Apache-2.0
//
// SideMarks: marks in the mark file for threads that are no executors: the one that folds, and
// those that answer requests, as long as they do. What they do is no batch, so that their end is
// told, and blamed on none.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_SIDE_MARKS_H_
#define TRIDENT_TRIDENT_RUN_PARTS_SIDE_MARKS_H_

#include <array>
#include <atomic>
#include <cstddef>

#include "base/work_mark.h"

namespace trident {

// Thread-safe.
class SideMarks {
 public:
  // Threads beyond so many, and all before Open, write marks of their own, which nobody reads.
  static constexpr size_t kMarks = 16;

  // `marks` has kMarks of them, and outlives this.
  explicit SideMarks(WorkMark* marks) : marks_(marks) {}
  // The file is there.
  void Open() { open_ = true; }

  // The calling thread writes one of them as long as this lives.
  class Claim {
   public:
    explicit Claim(SideMarks* marks) : marks_(marks), before_(&WorkMark::OfThisThread()) {
      if (marks_ != nullptr) mine_ = marks_->Take();
      if (mine_ == kMarks) return;
      WorkMark::UseOnThisThread(marks_->marks_[mine_]);
      WorkMark::OfThisThread().ForgetRow();
    }
    ~Claim() {
      if (mine_ == kMarks) return;
      WorkMark::UseOnThisThread(*before_);
      marks_->taken_[mine_] = false;
    }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

   private:
    SideMarks* const marks_;
    WorkMark* const before_;
    size_t mine_ = kMarks;
  };

 private:
  size_t Take() {
    if (!open_) return kMarks;
    for (size_t i = 0; i < kMarks; ++i) {
      if (!taken_[i].exchange(true)) return i;
    }
    return kMarks;
  }

  WorkMark* const marks_;
  std::atomic<bool> open_{false};
  std::array<std::atomic<bool>, kMarks> taken_{};
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_SIDE_MARKS_H_
