// SPDX-License-Identifier: Apache-2.0
//
// How large the next batch may be, and what becomes of the one that fails: shrink, wait, isolate
// its row, divert that row, or stop. The rules and their end stand in batch_protocol.h, "Failure
// and size".
#ifndef TRIDENT_COORDINATOR_PROTOCOL_RETRY_POLICY_H_
#define TRIDENT_COORDINATOR_PROTOCOL_RETRY_POLICY_H_

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/ids.h"
#include "base/status.h"
#include "coordinator/protocol/batch_protocol_types.h"
#include "engine/transport/words.h"

namespace trident {

// What is known of an attempt that failed.
struct FailedAttempt {
  TxId txid;
  word::EmitMode mode = word::EmitMode::kNew;
  uint64_t rows = 0;                // emitted until then
  std::optional<RowPlace> the_row;  // set if the batch was emitted and held this row alone
  // Who could not go on. A source that cannot be read names no row, and smaller batches or dead
  // letters do not make it readable.
  enum class Part : uint8_t { kTask, kSource } part = Part::kTask;
};

// Not thread-safe. Follows one txid at a time: the first that failed and is not decided.
class RetryPolicy {
 public:
  explicit RetryPolicy(const GroupConfig& config);

  // Begins careful, with the row under suspicion if there is one. `next` is the first txid; once,
  // before all else.
  void Recall(const EarlierDeaths& deaths, TxId next);

  enum class Verdict {
    kRetry,  // after delay(), as next() says
    kStop,
  };
  Verdict OnFailed(const FailedAttempt& attempt, const Status& cause);
  void OnDecided(TxId txid);
  // The isolated row is not there any more (a source that does not repeat itself).
  void OnRowGone();
  // All that retrying() could hold is not there any more.
  void OnInputGone() { Forget(); }

  // How the next attempt of retrying() is cut: kNew, or alone with the_row() as kSingle or kDivert.
  word::EmitMode next() const;
  const RowPlace& the_row() const { return *the_row_; }

  const BatchLimits& limits() const { return limits_; }
  TxId retrying() const { return txid_; }  // 0 = nothing is being retried
  // Whether batches go one by one, so that the process can only end in the first undecided one.
  bool careful() const { return careful_batches_ > 0; }
  uint32_t failures() const { return failures_; }
  Nanos delay() const;
  // Ok when nothing is being retried.
  const Status& last_cause() const { return cause_; }

 private:
  void Forget();
  void Shrink(uint64_t rows);
  Verdict Isolate(const FailedAttempt& attempt, uint64_t rows_allowed);

  const BatchLimits limits_max_;
  const FailurePolicy policy_;
  const uint32_t retry_limit_;
  const Nanos delay_min_;
  const Nanos delay_max_;

  BatchLimits limits_;
  uint32_t careful_batches_ = 0;  // that have still to be decided
  TxId txid_;
  uint32_t failures_ = 0;         // of txid_
  uint32_t waits_ = 0;            // of these, since the last one that needs no delay
  uint32_t row_failures_ = 0;     // of txid_ when it held or could hold one row
  uint32_t divert_failures_ = 0;  // of txid_ when the row was being diverted
  bool diverting_ = false;
  std::optional<RowPlace> the_row_;
  Status cause_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_PROTOCOL_RETRY_POLICY_H_
