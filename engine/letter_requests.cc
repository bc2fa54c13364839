// SPDX-License-Identifier: Apache-2.0
#include "engine/letter_requests.h"

#include <algorithm>
#include <utility>

#include "base/letter_partition.h"
#include "base/limits.h"
#include "base/typed_number.h"
#include "base/work_mark.h"

namespace trident {
namespace {

// A position that is no number was set by hand. It does: only the moves from it on have a meaning.
uint64_t NumberOf(const Position& position) {
  return ParseWholeNumber(position, 0, UINT64_MAX / 2).value_or(0);
}

}  // namespace

bool LetterRequests::Reserve(const std::string& key) {
  MutexLock lock(mutex_);
  return keys_.insert(key).second;
}

void LetterRequests::Release(const std::string& key) {
  MutexLock lock(mutex_);
  keys_.erase(key);
}

Status LetterRequests::Add(LetterRequest request) {
  MutexLock lock(mutex_);
  if (waiting_bytes_ + request.bytes > kLetterRequestBytesMax && !waiting_.empty()) {
    keys_.erase(request.key);
    return ResourceExhausted("requests of ", waiting_bytes_, " bytes wait, and the limit is ",
                             kLetterRequestBytesMax, "; ask again later");
  }
  waiting_bytes_ += request.bytes;
  waiting_.push_back(std::make_shared<const LetterRequest>(std::move(request)));
  if (wake_up_) wake_up_();
  return absl::OkStatus();
}

bool LetterRequests::IsUnderWay(const std::string& key) const {
  MutexLock lock(mutex_);
  return keys_.contains(key);
}

std::vector<LetterRequests::Taken> LetterRequests::TakeFrom(const Position& start) {
  MutexLock lock(mutex_);
  std::vector<Taken> taken;
  const uint64_t number = NumberOf(start);
  if (!first_) first_ = number;
  if (number < *first_) return taken;  // of an attempt that is over
  for (uint64_t i = number - *first_; i < waiting_.size() && taken.size() < kFrameRows; ++i) {
    taken.push_back(waiting_[i]);
    if (waiting_[i]->row) break;
  }
  return taken;
}

bool LetterRequests::HasAfter(const Position& position) const {
  MutexLock lock(mutex_);
  return !waiting_.empty() && (!first_ || NumberOf(position) < *first_ + waiting_.size());
}

// A spout that cannot go back may have passed over requests whose attempt failed. Their letters are
// where they were.
void LetterRequests::CommittedUpTo(const Position& position) {
  MutexLock lock(mutex_);
  for (const uint64_t end = NumberOf(position); first_ && *first_ < end && !waiting_.empty();) {
    keys_.erase(waiting_.front()->key);
    waiting_bytes_ -= waiting_.front()->bytes;
    waiting_.pop_front();
    ++*first_;
  }
}

void LetterRequests::WakeWith(WakeUp wake_up) {
  MutexLock lock(mutex_);
  wake_up_ = std::move(wake_up);
}

LetterReader::LetterReader(LetterRequests& requests, WakeUp wake_up) : requests_(requests) {
  requests_.WakeWith(std::move(wake_up));
}

LetterReader::~LetterReader() { requests_.WakeWith(nullptr); }

StatusOr<ReadResult> LetterReader::Read(const ReadRequest& request, Output& out) {
  taken_ = requests_.TakeFrom(request.start);
  ReadResult result{.end = request.start, .next = ReadResult::Next::kIdle};
  if (taken_.empty()) return result;
  result.end = std::to_string(NumberOf(request.start) + taken_.size());
  if (const auto& row = taken_.back()->row) {
    TRIDENT_RETURN_IF_ERROR(out.Emit(row->row));
    result.rows = 1;
    result.bytes = taken_.back()->bytes;
  }
  if (requests_.HasAfter(result.end)) result.next = ReadResult::Next::kMore;
  return result;
}

StatusOr<Availability> LetterReader::Poll(const Position& position) {
  using State = Availability::State;
  return Availability{.state = requests_.HasAfter(position) ? State::kReady : State::kIdle};
}

void LetterReader::Note(const BatchId& id, EmitterId emitter) const {
  if (taken_.empty() || !taken_.back()->row) return;
  WorkMark::OfThisThread().NoteRow(id, emitter, kLetterPartition, taken_.back()->name);
}

void LetterReader::Committed(TxId /*txid*/, const Position& position) {
  requests_.CommittedUpTo(position);
}

}  // namespace trident
