// SPDX-License-Identifier: Apache-2.0
//
// DecidedAttempts: what recovery must know of the decisions. The decision log implements it.
#ifndef TRIDENT_STATE_DISK_DECIDED_ATTEMPTS_H_
#define TRIDENT_STATE_DISK_DECIDED_ATTEMPTS_H_

#include <cstdint>
#include <optional>

#include "base/ids.h"

namespace trident {

class DecidedAttempts {
 public:
  virtual ~DecidedAttempts() = default;
  // Newest decided txid; 0 before the first decision.
  virtual TxId LastDecided(GroupId group) const = 0;
  // nullopt: not decided, or older than the log reaches back.
  virtual std::optional<Attempt> AttemptOf(GroupId group, TxId txid) const = 0;
  // RedoChecksum of the redo that was decided; nullopt: the decision does not say, or there is
  // none.
  virtual std::optional<uint64_t> RedoChecksumOf(GroupId group, TxId txid) const = 0;
};

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_DECIDED_ATTEMPTS_H_
