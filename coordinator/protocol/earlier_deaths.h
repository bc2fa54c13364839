// SPDX-License-Identifier: Apache-2.0
//
// What a start makes of the processes before it that ended in the program's code: how careful it
// is, which row it isolates or diverts, or that it halts. The rules stand in batch_protocol.h,
// "Processes that end".
#ifndef TRIDENT_COORDINATOR_PROTOCOL_EARLIER_DEATHS_H_
#define TRIDENT_COORDINATOR_PROTOCOL_EARLIER_DEATHS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "coordinator/protocol/batch_protocol_types.h"

namespace trident {

// What the last process was doing for a batch group when it ended.
struct LastProcess {
  TxId last_decided;
  bool cut_is_logged = false;       // of the txid after it
  std::vector<std::string> steps;   // of the program's code, that worked on undecided batches
  std::optional<RowPlace> the_row;  // if the first undecided batch could hold this row alone
  std::string cause;                // of `steps`, for people
};

// `before` is what the last start made of those before it. Nothing if there is nothing to fear.
std::optional<EarlierDeaths> JudgeDeaths(const std::optional<EarlierDeaths>& before,
                                         const LastProcess& last, const GroupConfig& config);

// What was made of them, for people: "3 processes have ended in txid 7 of group 1, so its row is
// tried alone".
std::string TextOf(const EarlierDeaths& deaths, GroupId group);

// How many batches a start whose first txid is `next` has still to be careful for.
uint32_t CarefulBatchesLeft(const EarlierDeaths& deaths, TxId next);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_PROTOCOL_EARLIER_DEATHS_H_
