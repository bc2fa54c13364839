// SPDX-License-Identifier: Apache-2.0
#include "coordinator/protocol/retry_policy.h"

#include <algorithm>

#include "base/check.h"
#include "coordinator/protocol/earlier_deaths.h"

namespace trident {

using word::EmitMode;

namespace {

template <class Number>
Number Doubled(Number n, Number max) {
  return n > max / 2 ? max : n * 2;
}

// Whether fewer rows may fare better, because the program's code or a limit refused some. What is
// away for the moment, or slow, is given time instead.
bool MayBeOfTheRows(const Status& cause) {
  return cause.code() == StatusCode::kAborted || cause.code() == StatusCode::kInvalidArgument ||
         cause.code() == StatusCode::kResourceExhausted;
}

}  // namespace

RetryPolicy::RetryPolicy(const GroupConfig& config)
    : limits_max_(config.limits),
      policy_(config.policy),
      retry_limit_(config.retry_limit),
      delay_min_(config.retry_delay_min),
      delay_max_(config.retry_delay_max),
      limits_(config.limits) {}

void RetryPolicy::Recall(const EarlierDeaths& deaths, TxId next) {
  careful_batches_ = CarefulBatchesLeft(deaths, next);
  limits_.rows = std::clamp<uint64_t>(deaths.rows_max, 1, limits_max_.rows);
  const bool one_row =
      deaths.fate == EarlierDeaths::Fate::kSingle || deaths.fate == EarlierDeaths::Fate::kDivert;
  if (!one_row || !deaths.the_row) return;
  txid_ = next;
  the_row_ = deaths.the_row;
  row_failures_ = failures_ = deaths.row_deaths;
  divert_failures_ = deaths.divert_deaths;
  diverting_ = deaths.fate == EarlierDeaths::Fate::kDivert;
  cause_ = Aborted(deaths.cause);
}

RetryPolicy::Verdict RetryPolicy::OnFailed(const FailedAttempt& attempt, const Status& cause) {
  if (txid_ != attempt.txid) {
    // Nothing is cut after a txid that is being retried, so only an earlier one can fail beside it.
    TRIDENT_CHECK(txid_ == TxId() || attempt.txid < txid_);
    Forget();
    txid_ = attempt.txid;
  }
  ++failures_;
  ++waits_;
  // The dead letter tells why the row failed, not why diverting it did.
  if (!diverting_) cause_ = cause;
  if (attempt.mode == EmitMode::kExact) {
    return failures_ > retry_limit_ ? Verdict::kStop : Verdict::kRetry;
  }
  const uint64_t rows_allowed = limits_.rows;
  Shrink(attempt.rows);
  if (attempt.part == FailedAttempt::Part::kSource) {
    const bool lasting = cause.code() == StatusCode::kFailedPrecondition;
    return lasting || failures_ > retry_limit_ ? Verdict::kStop : Verdict::kRetry;
  }
  if (policy_ == FailurePolicy::kDeadLetter) return Isolate(attempt, rows_allowed);
  return failures_ > retry_limit_ ? Verdict::kStop : Verdict::kRetry;
}

void RetryPolicy::Shrink(uint64_t rows) {
  const uint64_t held = rows > 0 ? std::min(rows, limits_.rows) : limits_.rows;
  limits_.rows = std::max<uint64_t>(held / 2, 1);
  limits_.bytes = std::max<uint64_t>(limits_.bytes / 2, 1);
}

RetryPolicy::Verdict RetryPolicy::Isolate(const FailedAttempt& attempt, uint64_t rows_allowed) {
  if (attempt.mode == EmitMode::kDivert) {
    return ++divert_failures_ > retry_limit_ ? Verdict::kStop : Verdict::kRetry;
  }
  if (attempt.the_row) the_row_ = attempt.the_row;
  // What it held may be more than is allowed now: one behind it has failed meanwhile.
  const bool had_more = rows_allowed > 1 || attempt.rows > 1;
  if (had_more && !attempt.the_row) {
    if (MayBeOfTheRows(cause_)) waits_ = 0;
    return Verdict::kRetry;
  }
  if (++row_failures_ <= retry_limit_) return Verdict::kRetry;
  diverting_ = the_row_.has_value();
  return diverting_ ? Verdict::kRetry : Verdict::kStop;
}

void RetryPolicy::OnDecided(TxId txid) {
  if (txid_ != TxId() && txid_ != txid) return;  // an earlier one: says nothing about txid_'s size
  Forget();
  if (careful_batches_ > 0) {
    --careful_batches_;
    return;
  }
  limits_.rows = Doubled(limits_.rows, limits_max_.rows);
  limits_.bytes = Doubled(limits_.bytes, limits_max_.bytes);
}

void RetryPolicy::Forget() {
  txid_ = TxId();
  failures_ = 0;
  waits_ = 0;
  divert_failures_ = 0;
  cause_ = absl::OkStatus();
  OnRowGone();
}

void RetryPolicy::OnRowGone() {
  row_failures_ = 0;
  diverting_ = false;
  the_row_.reset();
}

EmitMode RetryPolicy::next() const {
  if (!the_row_) return EmitMode::kNew;
  return diverting_ ? EmitMode::kDivert : EmitMode::kSingle;
}

Nanos RetryPolicy::delay() const {
  if (waits_ == 0) return 0;
  Nanos delay = delay_min_;
  for (uint32_t i = 1; i < waits_ && delay < delay_max_; ++i) delay = Doubled(delay, delay_max_);
  return delay;
}

}  // namespace trident
