// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol_model/witness.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "tests/protocol_model/worker.h"
#include "tests/protocol_model/world.h"

namespace trident::model {

Witness::Witness(World& world, const Recovered& recovered, std::optional<EarlierDeaths> deaths)
    : world_(world),
      deaths_(std::move(deaths)),
      last_applied_(recovered.last_decided),
      last_attempt_(recovered.last_attempt),
      last_issued_(recovered.last_decided) {
  for (const LoggedCut& cut : recovered.cuts) repeated_.insert(cut.txid);
}

void Witness::Expect(bool kept, const char* broken) {
  if (!kept) world_.oracle().Violation(broken);
}

// The rule, in words of its own: for kCarefulBatches from the first that was undecided then.
bool Witness::IsCareful(TxId txid) const {
  return deaths_ && txid >= deaths_->txid && txid.value() < deaths_->txid.value() + kCarefulBatches;
}

bool Witness::IsStale(const BatchEvent& event) const {
  return std::visit(
      [&](const auto& e) {
        if constexpr (requires { e.id.attempt; }) {
          auto open = open_.find(e.id.txid);
          return open == open_.end() || open->second != e.id.attempt;
        } else {
          return false;
        }
      },
      event);
}

void Witness::OnStep(const BatchEvent& event, const std::vector<BatchAction>& actions) {
  if (IsStale(event)) {
    const bool harmless = std::all_of(actions.begin(), actions.end(), [](const BatchAction& a) {
      return std::holds_alternative<batch_action::Stale>(a) ||
             std::holds_alternative<batch_action::Halt>(a) ||
             std::holds_alternative<word::Abort>(a);
    });
    const bool halts = std::any_of(actions.begin(), actions.end(), [](const BatchAction& a) {
      return std::holds_alternative<batch_action::Halt>(a);
    });
    Expect(halts ? harmless : actions.size() <= 1, "I8: a stale message had an effect");
  }
  if (std::holds_alternative<batch_event::DecisionWritten>(event)) deciding_ = false;
  if (const auto* joined = std::get_if<word::WorkerJoined>(&event)) Hear(*joined);
  for (const BatchAction& action : actions) {
    std::visit([&](const auto& a) { See(a); }, action);
  }
}

void Witness::Hear(const word::WorkerJoined& event) {
  Joined& joined = joined_[event.worker];
  if (event.incarnation > joined.incarnation) joined = {event.incarnation, last_issued_};
}

void Witness::See(const word::Begin& action) {
  const TxId prev = open_.empty() ? last_applied_ : open_.rbegin()->first;
  const Attempt prev_attempt = open_.empty() ? last_attempt_ : open_.rbegin()->second;
  Expect(action.id.txid == prev.Next(), "I6: a txid was skipped, or begun while in flight");
  Expect(action.prev_attempt == prev_attempt, "I6: an attempt was begun over another attempt");
  Expect(open_.empty() || !IsCareful(open_.begin()->first),
         "I13: after a process that ended, two batches are in flight");
  open_[action.id.txid] = action.id.attempt;
  const GroupConfig& config = world_.options().config;
  Expect(open_.size() <= config.max_pending, "I11: too many batches are in flight");
  for (const auto& worker : world_.workers()) {
    Expect(worker->applied().value() + config.backlog_max > last_applied_.value(),
           "I11: a worker is too far behind for another batch");
    Expect(worker->applied() >= joined_[WorkerId(worker->number())].must_apply,
           "I8: a batch was begun before a newcomer applied what was decided before it came");
  }
}

void Witness::See(const word::Permit& action) {
  if (world_.options().config.staging == Staging::kOverlapped) return;
  Expect(action.id.txid == last_applied_.Next(),
         "I12: a batch may be staged over one that is not decided");
  for (const auto& worker : world_.workers()) {
    Expect(worker->applied() >= last_applied_,
           "I12: a batch may be staged over one that a worker has not applied");
  }
}

void Witness::See(const batch_action::Decide& action) {
  Expect(!deciding_, "I6: a decision was issued while one is outstanding");
  deciding_ = true;
  last_issued_ = action.records.back().txid;
  for (const DecisionRecord& record : action.records) {
    auto open = open_.find(record.txid);
    Expect(open != open_.end() && open->second == record.attempt,
           "I8: an attempt that is not in flight is to be decided");
    Expect(!IsCareful(record.txid) || record.rows <= deaths_->rows_max ||
               repeated_.contains(record.txid),
           "I13: after processes that ended, a batch is larger than it may be");
  }
}

void Witness::See(const word::Apply& action) {
  Expect(action.id.txid == last_applied_.Next(), "I4: success was told out of order");
  last_applied_ = action.id.txid;
  last_attempt_ = action.id.attempt;
  open_.erase(action.id.txid);
}

void Witness::See(const word::Abort& action) {
  for (const auto& cancelled : action.cancelled) {
    auto open = open_.find(cancelled.txid);
    Expect(open != open_.end() && open->second == cancelled.attempt,
           "I8: an attempt that is not in flight was aborted");
    open_.erase(cancelled.txid);
  }
  Expect(open_.empty() || open_.rbegin()->first < action.cancelled.front().txid,
         "I8: a later batch survived the abort of an earlier one");
}

}  // namespace trident::model
