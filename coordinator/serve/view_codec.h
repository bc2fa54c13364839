// SPDX-License-Identifier: Apache-2.0
//
// The view of a topology as the messages of proto/admin.proto, and back.
#ifndef TRIDENT_COORDINATOR_SERVE_VIEW_CODEC_H_
#define TRIDENT_COORDINATOR_SERVE_VIEW_CODEC_H_

#include <string>
#include <string_view>

#include "coordinator/serve/topology_control.h"
#include "proto/admin.pb.h"

namespace trident {

// `text` up to the first byte that is not UTF-8. Names and messages come from programs; broken ones
// must not make an answer unreadable.
std::string ReadableText(std::string_view text);

// Overwrites `out`. Of errors only the messages go along.
void ToProto(const TopologyView& view, v1::BatchesResponse& out);
void ToProto(const WorkerView& view, v1::Worker& out);
WorkerView FromProto(const v1::Worker& view);
// What is not set is zero, empty or ok.
TopologyView FromProto(const v1::BatchesResponse& view);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVE_VIEW_CODEC_H_
