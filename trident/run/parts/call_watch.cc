// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/call_watch.h"

#include <utility>

#include "base/logging.h"

namespace trident {
namespace {

constexpr char kIfItIsSlow[] =
    "; if it only needs so long, give it a longer progress deadline (--progress-deadline-s)";

void AddFunctions(const std::vector<std::pair<std::string, Nanos>>& under_way,
                  std::vector<std::string>& calls) {
  for (const auto& [function, since] : under_way) {
    calls.push_back(
        Concat("DRPC function \"", function, "\" has not returned for ", since / kSecond, " s"));
  }
}

}  // namespace

std::vector<std::string> CallWatch::StepsFor(Nanos longer_than) {
  const Nanos now = clock_.MonotonicNanos();
  std::vector<WorkMark::Seen> all = look_();
  std::vector<std::string> standing;
  MutexLock lock(mutex_);
  calls_.resize(all.size());
  for (size_t i = 0; i < calls_.size(); ++i) {
    Call& call = calls_[i];
    WorkMark::Seen& seen = all[i];
    const bool same =
        seen.busy && call.seen.busy && seen.moves == call.seen.moves && seen.row == call.seen.row;
    if (!same) call = {std::move(seen), now};
    if (!same || now - call.since < longer_than) continue;
    standing.push_back(Concat("step \"", call.seen.step, "\" has not returned for ",
                              (now - call.since) / kSecond, " s: partition ", call.seen.partition,
                              ", txid ", call.seen.id.txid.value(), ", row ", call.seen.row,
                              " of its slice"));
  }
  return standing;
}

std::vector<std::string> CallWatch::UnderWayFor(Nanos longer_than) {
  std::vector<std::string> calls = StepsFor(longer_than);
  AddFunctions(functions_.UnderWayFor(longer_than), calls);
  return calls;
}

Status CallWatch::Watch(Nanos deadline) {
  const std::vector<std::string> calls = UnderWayFor(deadline);
  std::vector<std::string> lost;
  if (!calls.empty()) {
    lost = StepsFor(2 * deadline);
    AddFunctions(functions_.AbandonedFor(2 * deadline), lost);
  }
  {
    MutexLock lock(mutex_);
    if (!calls.empty() && !told_) TRIDENT_LOG(WARN) << calls.front() << kIfItIsSlow;
    told_ = !calls.empty();
  }
  return lost.empty() ? absl::OkStatus() : DeadlineExceeded(lost.front(), kIfItIsSlow);
}

Status CallWatch::Explained(const Status& cause, Nanos deadline) {
  if (cause.code() != StatusCode::kDeadlineExceeded) return cause;
  const std::vector<std::string> calls = StepsFor(deadline / 2);
  if (calls.empty()) return cause;
  return DeadlineExceeded(Message(cause), ". ", calls.front(), kIfItIsSlow);
}

}  // namespace trident
