// SPDX-License-Identifier: Apache-2.0
//
// AppendTicket: given for rows that are put into a feeder. It tells when and in which batch they
// have been committed.
#ifndef TRIDENT_TRIDENT_SPOUTS_APPEND_TICKET_H_
#define TRIDENT_TRIDENT_SPOUTS_APPEND_TICKET_H_

#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/status.h"

namespace trident {

// Copies share one outcome. Thread-safe.
class AppendTicket {
 public:
  AppendTicket() : outcome_(std::make_shared<Outcome>()) {}

  // Blocks until the rows are committed, durable and visible to readers, and says by which txid; if
  // they went into several batches, by the last. Unavailable when the topology stops reading the
  // feeder first, and the cause of its halt when it halts first: whether the rows are committed is
  // then unknown. Never call it on an executor thread.
  StatusOr<TxId> Wait() const;
  // As Wait, but gives nullopt if `timeout` passes first. 0 asks without waiting.
  std::optional<StatusOr<TxId>> WaitAtMost(Nanos timeout) const;

  // Called by the feeder. The first call sets the outcome; later ones change nothing.
  void Settle(StatusOr<TxId> outcome) const;

 private:
  struct Outcome {
    Mutex mutex;
    CondVar settled;
    std::optional<StatusOr<TxId>> result TRIDENT_GUARDED_BY(mutex);
  };
  std::shared_ptr<Outcome> outcome_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_APPEND_TICKET_H_
