// SPDX-License-Identifier: Apache-2.0
#include "trident/run/cluster/local_part.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/limits.h"

namespace trident {
namespace {

// Whether the epoch goes on is looked at so often meanwhile.
constexpr Nanos kEpochLookEvery = 20 * kMillisecond;

Status NotIn(WorkerId worker, Epoch epoch) {
  return Unavailable("worker ", worker.value(), " does not work in epoch ", epoch.value(),
                     ", or not yet: the workers begin a new one; try again");
}

}  // namespace

StatusOr<ClusterWorker::Working> LocalPart::Enter(const PartRead& read) const {
  ClusterWorker::Working working = now_();
  if (working.parts == nullptr || working.epoch != read.epoch) return NotIn(self_, read.epoch);
  return working;
}

Status LocalPart::AwaitTxId(const PartRead& read, const WorkerParts& parts) const {
  const Nanos deadline = RealClock().MonotonicNanos() + kPartTxIdMsMax * kMillisecond;
  while (parts.states().Published(read.group) < read.txid) {
    if (now_().epoch != read.epoch) return NotIn(self_, read.epoch);
    if (RealClock().MonotonicNanos() >= deadline) {
      return Unavailable("worker ", self_.value(), " does not see txid ", read.txid.value(),
                         " of group ", read.group.value(), " yet; try again");
    }
    const StatusOr<Snapshot> reached =
        parts.states().Pin(read.group, ReadAt::AtLeast(read.txid, kEpochLookEvery));
    if (!reached.ok() && !absl::IsDeadlineExceeded(reached.status())) return reached.status();
  }
  return absl::OkStatus();
}

Status LocalPart::Keep(const PartRead& read, const ClusterWorker::Working& working) {
  if (read.reader == self_) return absl::OkStatus();  // it holds its cuts by itself
  Held old;  // goes without the lock: the states of an epoch may go with it
  MutexLock lock(mutex_);
  const auto key = std::pair(read.reader, read.group);
  if (held_.size() >= kPartHoldersMax && !held_.contains(key)) {
    return ResourceExhausted("worker ", self_.value(), " holds txids for ", held_.size(),
                             " readers, the limit");
  }
  Held& held = held_[key];
  if (held.in.epoch != working.epoch) {
    old = std::exchange(held, Held{});
    held.in = working;
  }
  held.said_at = clock_.MonotonicNanos();
  // A later word has come before this one.
  if (read.said < held.said) return absl::OkStatus();
  held.said = read.said;
  if (read.held == TxId()) {
    old.cut = std::exchange(held.cut, std::nullopt);
    return absl::OkStatus();
  }
  if (held.cut && held.cut->txid() == read.held) return held.cut->CheckReadable();
  StatusOr<Snapshot> cut = working.parts->states().Pin(read.group, ReadAt::Exactly(read.held));
  if (absl::IsOutOfRange(cut.status())) {
    // That one is gone. What is read is held all the same, by the hold that there is if it can be.
    const bool is_held =
        held.cut && held.cut->txid() <= read.txid && held.cut->CheckReadable().ok();
    if (is_held) return absl::OkStatus();
    cut = working.parts->states().Pin(read.group, ReadAt::Exactly(read.txid));
  }
  if (!cut.ok()) return cut.status();
  old.cut = std::exchange(held.cut, *std::move(cut));
  return absl::OkStatus();
}

template <class Read>
auto LocalPart::At(const PartRead& read, Read answer)
    -> decltype(answer(std::declval<ReadableState&>())) {
  TRIDENT_ASSIGN_OR_RETURN(const ClusterWorker::Working working, Enter(read));
  TRIDENT_RETURN_IF_ERROR(AwaitTxId(read, *working.parts));
  // What is held may be older than what is read, and be gone: the read itself may still go.
  if (const Status kept = Keep(read, working); !kept.ok() && !absl::IsOutOfRange(kept)) return kept;
  TRIDENT_ASSIGN_OR_RETURN(const ReadableState* state, working.parts->states().Find(read.state));
  auto answered = answer(*state);
  // States that were opened anew share the disk with these, and fold.
  if (now_().epoch != read.epoch) return NotIn(self_, read.epoch);
  return answered;
}

StatusOr<ReadableState::Answers> LocalPart::Get(const PartRead& read,
                                                std::span<const std::string_view> keys) {
  return At(read, [&](const ReadableState& state) { return state.MultiGet(read.txid, keys); });
}

StatusOr<StatePage> LocalPart::Scan(const PartRead& read, const KeyRange& range,
                                    PageLimits limits) {
  return At(read, [&](const ReadableState& state) { return state.Scan(read.txid, range, limits); });
}

StatusOr<ChangesAt> LocalPart::FirstChanges(const PartRead& read, TxId after,
                                            const KeyRange& range) {
  return At(read, [&](const ReadableState& state) {
    return state.FirstChanges(after, read.txid, range);
  });
}

StatusOr<PartCounts> LocalPart::Counts(const PartRead& read) {
  TRIDENT_ASSIGN_OR_RETURN(const ClusterWorker::Working working, Enter(read));
  TRIDENT_ASSIGN_OR_RETURN(const ReadableState* state, working.parts->states().Find(read.state));
  return PartCounts{state->ApproximateKeys(), state->KeysExpired(), state->UnreadableKeys()};
}

Status LocalPart::Hold(const PartRead& read) {
  TRIDENT_ASSIGN_OR_RETURN(const ClusterWorker::Working working, Enter(read));
  TRIDENT_RETURN_IF_ERROR(AwaitTxId(read, *working.parts));
  return Keep(read, working);
}

void LocalPart::DropStaleHolds() {
  const Epoch epoch = now_().epoch;
  const Nanos now = clock_.MonotonicNanos();
  std::vector<Held> stale;  // goes without the lock
  MutexLock lock(mutex_);
  for (auto held = held_.begin(); held != held_.end();) {
    const bool is_stale =
        held->second.in.epoch != epoch || now - held->second.said_at > kPartHoldMs * kMillisecond;
    if (is_stale) stale.push_back(std::move(held->second));
    held = is_stale ? held_.erase(held) : std::next(held);
  }
}

}  // namespace trident
