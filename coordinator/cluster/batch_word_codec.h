// SPDX-License-Identifier: Apache-2.0
//
// The words about batches, as messages and back.
#ifndef TRIDENT_COORDINATOR_CLUSTER_BATCH_WORD_CODEC_H_
#define TRIDENT_COORDINATOR_CLUSTER_BATCH_WORD_CODEC_H_

#include "base/status.h"
#include "coordinator/cluster/control_words.h"
#include "proto/control.pb.h"

namespace trident {

// All but the epoch of the word, which its caller fills in.
void WriteTo(control::v1::LeaderWord* out, const GroupWordToWorker& in);
void WriteTo(control::v1::WorkerWord* out, const GroupWordToLeader& in);

// InvalidArgument names the field, or says that this is no word about batches.
StatusOr<WordToWorker> ReadBatchWord(const control::v1::LeaderWord& in);
StatusOr<WordToLeader> ReadBatchWord(const control::v1::WorkerWord& in);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLUSTER_BATCH_WORD_CODEC_H_
