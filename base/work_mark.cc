// SPDX-License-Identifier: Apache-2.0
#include "base/work_mark.h"

namespace trident {
namespace {

thread_local WorkMark t_own;

}  // namespace

thread_local WorkMark* WorkMark::current_ = &t_own;

// The process may end between any two stores: the length says last that the note is whole. A
// partition without a name counts as one byte.
void WorkMark::NoteRow(const BatchId& id, EmitterId emitter, std::string_view partition,
                       std::string_view start) {
  note_partition_bytes_.store(0, std::memory_order_release);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (partition.size() + start.size() > kNoteBytes) return;
  note_ = {id.group.value(),   id.txid.value(),       id.attempt.epoch.value(),
           id.attempt.counter, emitter.spout.value(), emitter.task};
  std::memcpy(note_bytes_.data(), partition.data(), partition.size());
  std::memcpy(note_bytes_.data() + partition.size(), start.data(), start.size());
  note_start_bytes_.store(static_cast<uint32_t>(start.size()), std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  note_partition_bytes_.store(static_cast<uint32_t>(partition.size()) + 1,
                              std::memory_order_release);
}

std::optional<WorkMark::NotedRow> WorkMark::noted_row() const {
  const size_t partition = note_partition_bytes_.load(std::memory_order_acquire);
  const size_t start = note_start_bytes_.load(std::memory_order_relaxed);
  if (partition == 0 || partition - 1 + start > kNoteBytes) return std::nullopt;
  return NotedRow{
      .id = {GroupId(static_cast<uint32_t>(note_[0])), TxId(note_[1]),
             Attempt{Epoch(note_[2]), static_cast<uint32_t>(note_[3])}},
      .emitter = {SpoutId(static_cast<uint32_t>(note_[4])), static_cast<uint32_t>(note_[5])},
      .partition = std::string(note_bytes_.data(), partition - 1),
      .start = std::string(note_bytes_.data() + partition - 1, start)};
}

}  // namespace trident
