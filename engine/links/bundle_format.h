// SPDX-License-Identifier: Apache-2.0
//
// What the writer and the reader of bundles share; docs/link_format.md explains it.
#ifndef TRIDENT_ENGINE_LINKS_BUNDLE_FORMAT_H_
#define TRIDENT_ENGINE_LINKS_BUNDLE_FORMAT_H_

#include <cstddef>
#include <cstdint>

#include "engine/transport/message.h"

namespace trident::bundle_format {

inline constexpr uint32_t kMagic = 0x4e444254;  // "TBDN"
inline constexpr char kVersion = 1;
// Magic, version, epoch, worker, entries, bytes of the descriptions.
inline constexpr size_t kHeaderBytes = 4 + 1 + 8 + 4 + 4 + 4;
inline constexpr size_t kChecksumBytes = 8;

enum EntryKind : char {
  kFrame = 1,
  kEnds = 2,           // of the tasks that it names
  kEndsOfProcess = 3,  // and of all other tasks of that stage in the process, which got no frame
};

// What all messages of an entry have in common.
struct EntryHead {
  BatchId id;
  TaskAddress from;
  StageId to_stage;
  uint32_t edge = 0;
  int64_t batch_time_micros = 0;
  friend bool operator==(const EntryHead&, const EntryHead&) = default;
};

// The bytes that each of these has at least: one for each of its numbers.
inline constexpr size_t kEntryBytesMin = 1 + 9 + 1;
inline constexpr size_t kRunBytesMin = 4;
inline constexpr size_t kEndBytesMin = 2 + 8;

// Rows of a frame for one task.
struct Run {
  uint32_t task = 0;
  uint32_t number = 0;  // of the frame, among those from this sender to this task along the edge
  uint64_t first = 0;   // row of the frame
  uint64_t rows = 0;
};

// What one task got along the edge.
struct End {
  uint32_t task = 0;
  uint32_t frames = 0;
  uint64_t checksum = 0;
};

}  // namespace trident::bundle_format

#endif  // TRIDENT_ENGINE_LINKS_BUNDLE_FORMAT_H_
