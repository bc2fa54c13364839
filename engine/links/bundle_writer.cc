// SPDX-License-Identifier: Apache-2.0
#include "engine/links/bundle_writer.h"

#include <algorithm>
#include <typeinfo>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "base/hash.h"
#include "base/limits.h"

namespace trident {

using namespace bundle_format;

namespace {

template <class Message>
EntryHead HeadOf(const Message& message) {
  return {.id = message.id,
          .from = message.from,
          .to_stage = message.to.stage,
          .edge = message.edge,
          .batch_time_micros = message.batch_time_micros};
}

}  // namespace

const FramePayload& EncodedRows(const DataFrame& frame) {
  const Payload& payload = *frame.payload;
  // Nothing derives from it, and this is asked for each part of each frame.
  TRIDENT_CHECK(typeid(payload) == typeid(FramePayload))
      << "rows for another process are not encoded";
  return static_cast<const FramePayload&>(payload);
}

size_t BundleBytes::size() const {
  size_t bytes = head.size();
  for (const auto& frame : frames) bytes += frame->bytes().size();
  return bytes;
}

std::string BundleBytes::Joined() const {
  std::string out = head;
  for (const auto& frame : frames) out.append(frame->bytes());
  return out;
}

BundleWriter::BundleWriter(Epoch epoch, WorkerId from, TasksThere tasks_there)
    : epoch_(epoch), from_(from), tasks_there_(std::move(tasks_there)) {}

bool BundleWriter::HasRoomFor(size_t frame_bytes) const {
  return empty() ||
         descriptions_.size() + frame_bytes_ + frame_bytes <= static_cast<size_t>(kBundleBytes);
}

bool BundleWriter::TryAppend(const DataMessage& message) {
  return std::visit([this](const auto& m) { return TryAppend(m); }, message);
}

bool BundleWriter::TryAppend(const DataFrame& frame) {
  const FramePayload& payload = EncodedRows(frame);
  const EntryHead head = HeadOf(frame);
  if (!open_ || open_->frame != payload.frame() || open_->head != head) {
    if (!HasRoomFor(payload.frame()->bytes().size())) return false;
    Start({.head = head, .frame = payload.frame(), .runs = {}, .ends = {}});
  }
  open_->runs.push_back({frame.to.task, frame.number, payload.first(), payload.rows()});
  return true;
}

// Tasks ascend within an entry, so that none can stand there twice.
bool BundleWriter::TryAppend(const EndMarker& end) {
  const EntryHead head = HeadOf(end);
  if (!open_ || open_->frame != nullptr || open_->ends.back().task >= end.to.task ||
      open_->head != head) {
    if (!HasRoomFor(0)) return false;
    Start({.head = head, .frame = nullptr, .runs = {}, .ends = {}});
  }
  open_->ends.push_back({end.to.task, end.frames, end.checksum});
  return true;
}

void BundleWriter::Start(Open entry) {
  Close();
  if (entry.frame != nullptr) frame_bytes_ += entry.frame->bytes().size();
  open_ = std::move(entry);
}

void BundleWriter::Close() {
  if (!open_) return;
  if (open_->frame != nullptr) {
    PutRuns(*open_);
    frames_.push_back(std::move(open_->frame));
  } else {
    PutEnds(*open_);
  }
  ++entries_;
  open_.reset();
}

void BundleWriter::PutHead(EntryKind kind, const EntryHead& head) {
  descriptions_.push_back(kind);
  PutVarint(descriptions_, head.id.group.value());
  PutVarint(descriptions_, head.id.txid.value());
  PutVarint(descriptions_, head.id.attempt.epoch.value());
  PutVarint(descriptions_, head.id.attempt.counter);
  PutVarint(descriptions_, head.from.stage.value());
  PutVarint(descriptions_, head.from.task);
  PutVarint(descriptions_, head.to_stage.value());
  PutVarint(descriptions_, head.edge);
  PutVarint(descriptions_, ZigZag(head.batch_time_micros));
}

void BundleWriter::PutRuns(const Open& entry) {
  PutHead(kFrame, entry.head);
  PutVarint(descriptions_, entry.frame->bytes().size());
  PutVarint(descriptions_, entry.runs.size());
  for (const Run& run : entry.runs) {
    PutVarint(descriptions_, run.task);
    PutVarint(descriptions_, run.number);
    PutVarint(descriptions_, run.first);
    PutVarint(descriptions_, run.rows);
  }
}

// An edge between two processes with many tasks has mostly tasks that got nothing.
void BundleWriter::PutEnds(Open& entry) {
  const std::span<const uint32_t> there = tasks_there_(entry.head.to_stage);
  const bool all = std::equal(entry.ends.begin(), entry.ends.end(), there.begin(), there.end(),
                              [](const End& end, uint32_t task) { return end.task == task; });
  if (all) std::erase_if(entry.ends, [](const End& e) { return e.frames == 0 && e.checksum == 0; });
  PutHead(all ? kEndsOfProcess : kEnds, entry.head);
  PutVarint(descriptions_, entry.ends.size());
  for (const End& end : entry.ends) {
    PutVarint(descriptions_, end.task);
    PutVarint(descriptions_, end.frames);
    PutFixed64(descriptions_, end.checksum);
  }
}

BundleBytes BundleWriter::Finish() {
  Close();
  BundleBytes out;
  out.head.reserve(kHeaderBytes + descriptions_.size() + kChecksumBytes);
  PutFixed32(out.head, kMagic);
  out.head.push_back(kVersion);
  PutFixed64(out.head, epoch_.value());
  PutFixed32(out.head, from_.value());
  PutFixed32(out.head, entries_);
  PutFixed32(out.head, static_cast<uint32_t>(descriptions_.size()));
  out.head.append(descriptions_);
  PutFixed64(out.head, HashBytes(out.head));
  out.frames = std::move(frames_);
  frames_.clear();
  descriptions_.clear();
  entries_ = 0;
  frame_bytes_ = 0;
  return out;
}

}  // namespace trident
