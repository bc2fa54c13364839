// SPDX-License-Identifier: Apache-2.0
//
// The messages of a control stream as bytes (proto/control.proto). Messages may be joined: the
// bytes of several, one after the other, are one message with all their words, in that order. So
// what has to wait for a write shares the next one, and nothing is encoded twice.
//
// Decoding trusts nothing. Bytes that are no message, a count beyond kControlItemsMax, an enum,
// code or id that cannot be, and a missing part that is required give InvalidArgument, which names
// the word and the field. A message needs no more memory than its bytes and kControlItemsMax parts
// take. Whether an id is one that the topology has is for those who know the topology.
#ifndef TRIDENT_COORDINATOR_CLUSTER_CONTROL_CODEC_H_
#define TRIDENT_COORDINATOR_CLUSTER_CONTROL_CODEC_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "coordinator/cluster/control_words.h"

namespace trident {

// A message with one word. REQUIRES: the word's epoch is at least 1, and its batches are of its
// group. A status keeps its code and message, and loses what else was attached to it.
std::string EncodeMessage(const LeaderWord& word);
std::string EncodeMessage(const WorkerWord& word);
std::string EncodeMessage(const WorkerHello& hello);

// A message to a worker. It may have no word.
StatusOr<std::vector<LeaderWord>> DecodeMessageToWorker(std::string_view bytes);

// A message to a leader. It may have neither.
struct MessageToLeader {
  std::optional<WorkerHello> hello;
  std::vector<WorkerWord> words;
};
StatusOr<MessageToLeader> DecodeMessageToLeader(std::string_view bytes);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLUSTER_CONTROL_CODEC_H_
