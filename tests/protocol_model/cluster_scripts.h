// SPDX-License-Identifier: Apache-2.0
//
// What the histories of a few steps are made of: the batches, records and reports of one group that
// takes one row a batch from one source partition.
#ifndef TRIDENT_TESTS_PROTOCOL_MODEL_CLUSTER_SCRIPTS_H_
#define TRIDENT_TESTS_PROTOCOL_MODEL_CLUSTER_SCRIPTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/protocol/epoch_words.h"

namespace trident::model {

inline constexpr GroupId kGroup(1);
inline constexpr WorkerId kMe(0);

inline Attempt A(uint64_t epoch, uint32_t counter = 1) { return {Epoch(epoch), counter}; }
inline BatchId Id(uint64_t txid, Attempt attempt) { return {kGroup, TxId(txid), attempt}; }
// Of the batches of these histories.
inline int64_t BatchTime(uint64_t txid) { return static_cast<int64_t>(1000 + 10 * txid); }
inline PreparedRecord Record(uint64_t txid, Attempt attempt, Attempt previous) {
  PreparedRecord record;
  record.txid = TxId(txid);
  record.attempt = attempt;
  record.previous = previous;
  record.cut = std::make_shared<const BatchCut>(
      BatchCut{{{{SpoutId(1), 0}, "s", std::to_string(txid - 1), std::to_string(txid), 1}},
               1,
               0,
               BatchTime(txid)});
  return record;
}
inline GroupReport Report(uint64_t known, Attempt attempt,
                          std::vector<PreparedRecord> records = {}) {
  GroupReport report{kGroup, TxId(known), attempt, std::move(records), {}};
  report.log.emplace();
  report.log->after = TxId(known);
  if (known > 0) report.log->positions = {{SpoutId(1), {"s", std::to_string(known)}}};
  if (known > 0) report.log->batch_time_micros = BatchTime(known);
  return report;
}

// How the life before this one ended.
inline LastLife EndedIn(uint64_t epoch, std::optional<RowPlace> alone = std::nullopt) {
  LastLife life{Epoch(epoch), {}};
  life.process.steps = {"parse"};
  life.process.the_row = std::move(alone);
  life.process.cause = "while step \"parse\" worked";
  return life;
}

}  // namespace trident::model

#endif  // TRIDENT_TESTS_PROTOCOL_MODEL_CLUSTER_SCRIPTS_H_
