// SPDX-License-Identifier: Apache-2.0
//
// The words about epochs, with the leader's welcome, as messages and back. InvalidArgument names
// the field. The epoch of a word stands around it in the message, so it is given to Read, and Write
// leaves it to the caller.
#ifndef TRIDENT_COORDINATOR_CLUSTER_EPOCH_WORD_CODEC_H_
#define TRIDENT_COORDINATOR_CLUSTER_EPOCH_WORD_CODEC_H_

#include "base/status.h"
#include "coordinator/cluster/control_words.h"
#include "proto/control.pb.h"

namespace trident {

void WriteTo(control::v1::LeaderWord* out, const Welcome& in);
void WriteTo(control::v1::LeaderWord* out, const word::PromiseAsked& in);
void WriteTo(control::v1::LeaderWord* out, const word::WriteLog& in);
void WriteTo(control::v1::LeaderWord* out, const word::Settled& in);
void WriteTo(control::v1::LeaderWord* out, const word::LeaseRound& in);
void WriteTo(control::v1::LeaderWord* out, const Farewell& in);

void WriteTo(control::v1::WorkerWord* out, const word::Promised& in);
void WriteTo(control::v1::WorkerWord* out, const word::LogWritten& in);
void WriteTo(control::v1::WorkerWord* out, const word::Refused& in);
void WriteTo(control::v1::WorkerWord* out, const word::LeaseAcknowledged& in);

Welcome Read(const control::v1::Welcome& in, Epoch epoch);
StatusOr<word::WriteLog> Read(const control::v1::WriteLog& in, Epoch epoch);
word::Settled Read(const control::v1::Settled& in, Epoch epoch);

StatusOr<word::Promised> Read(const control::v1::Promised& in, Epoch epoch);
word::LogWritten ReadLogWritten(const control::v1::Life& in, Epoch epoch);
StatusOr<word::Refused> Read(const control::v1::Refused& in, Epoch epoch);
word::LeaseAcknowledged Read(const control::v1::LeaseAcknowledged& in, Epoch epoch);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLUSTER_EPOCH_WORD_CODEC_H_
