// SPDX-License-Identifier: Apache-2.0
//
// WorkMark: which call of the program's code a thread is in, for those who ask why nothing moves.
// The thread writes its own mark, and any other may read it. A call is of a step, for a batch, in a
// partition; within it the rows are counted. Its bytes may lie in a file, which outlives the
// process: then the next one knows what this one was doing when it ended.
#ifndef TRIDENT_BASE_WORK_MARK_H_
#define TRIDENT_BASE_WORK_MARK_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/source.h"

namespace trident {

class alignas(64) WorkMark {
 public:
  static constexpr size_t kStepBytes = 64;  // longer names are cut

  // The mark of the calling thread.
  static WorkMark& OfThisThread() { return *current_; }
  // From now on the calling thread writes this mark, which outlives the thread's calls.
  static void UseOnThisThread(WorkMark& mark) { current_ = &mark; }

  struct Call {
    std::string_view step;
    BatchId id;
    uint32_t partition = 0;
  };
  // A call under way, for as long as the object lives; calls may lie in each other.
  class Scope {
   public:
    explicit Scope(const Call& call) : mark_(OfThisThread()), before_(mark_.Take()) {
      mark_.Put(Words(call));
      mark_.Deepen(1);
    }
    ~Scope() {
      mark_.Deepen(-1);
      mark_.Put(before_);
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    WorkMark& mark_;
    const std::array<uint64_t, kStepBytes / 8 + 5> before_;
  };

  // The row, of those in the slice at hand, that the call is at. The thread stores it.
  std::atomic<uint64_t>& row() { return row_; }

  // The one row that an attempt may read, by its place in the source; longer places are not noted.
  // For the process that comes after this one, so it is read when nobody writes it.
  struct NotedRow {
    BatchId id;
    EmitterId emitter;
    std::string partition;
    Position start;
  };
  void NoteRow(const BatchId& id, EmitterId emitter, std::string_view partition,
               std::string_view start);
  void ForgetRow() { note_partition_bytes_.store(0, std::memory_order_relaxed); }
  std::optional<NotedRow> noted_row() const;

  // A look at the mark. While the thread goes from call to call, its parts may be of two calls.
  struct Seen {
    bool busy = false;
    uint64_t moves = 0;  // differs whenever a call began or ended in between
    std::string step;
    BatchId id;
    uint32_t partition = 0;
    uint64_t row = 0;
  };
  Seen Look() const {
    Seen seen;
    seen.busy = depth_.load(std::memory_order_relaxed) > 0;
    seen.moves = moves_.load(std::memory_order_relaxed);
    seen.row = row_.load(std::memory_order_relaxed);
    std::array<uint64_t, kStepBytes / 8 + 5> words = Take();
    seen.step.resize(kStepBytes);
    std::memcpy(seen.step.data(), words.data(), kStepBytes);
    seen.step.resize(std::strlen(seen.step.c_str()));
    const uint64_t* rest = words.data() + kStepBytes / 8;
    seen.id = {GroupId(static_cast<uint32_t>(rest[0])), TxId(rest[1]),
               Attempt{Epoch(rest[2]), static_cast<uint32_t>(rest[3])}};
    seen.partition = static_cast<uint32_t>(rest[4]);
    return seen;
  }

 private:
  static constexpr size_t kWords = kStepBytes / 8 + 5;
  using WordArray = std::array<uint64_t, kWords>;

  static WordArray Words(const Call& call) {
    WordArray words{};
    std::memcpy(words.data(), call.step.data(), std::min(call.step.size(), kStepBytes - 1));
    uint64_t* rest = words.data() + kStepBytes / 8;
    rest[0] = call.id.group.value();
    rest[1] = call.id.txid.value();
    rest[2] = call.id.attempt.epoch.value();
    rest[3] = call.id.attempt.counter;
    rest[4] = call.partition;
    return words;
  }
  WordArray Take() const {
    WordArray words;
    for (size_t i = 0; i < kWords; ++i) words[i] = words_[i].load(std::memory_order_relaxed);
    return words;
  }
  void Put(const WordArray& words) {
    for (size_t i = 0; i < kWords; ++i) words_[i].store(words[i], std::memory_order_relaxed);
    moves_.store(moves_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  void Deepen(int64_t by) {
    depth_.store(depth_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  static thread_local WorkMark* current_;

  std::array<std::atomic<uint64_t>, kWords> words_{};
  std::atomic<int64_t> depth_{0};
  std::atomic<uint64_t> moves_{0};
  std::atomic<uint64_t> row_{0};

  static constexpr size_t kNoteBytes = 3904;
  std::array<uint64_t, 6> note_{};                 // the numbers of a NotedRow
  std::atomic<uint32_t> note_partition_bytes_{0};  // 0: nothing is noted
  std::atomic<uint32_t> note_start_bytes_{0};
  std::array<char, kNoteBytes> note_bytes_{};
};
// Files hold them one after the other.
static_assert(sizeof(WorkMark) == 4096 && std::atomic<uint64_t>::is_always_lock_free);

}  // namespace trident

#endif  // TRIDENT_BASE_WORK_MARK_H_
