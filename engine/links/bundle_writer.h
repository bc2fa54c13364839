// SPDX-License-Identifier: Apache-2.0
//
// BundleWriter: makes one message between two workers of many messages between their tasks.
// docs/link_format.md has the layout. A frame stands in it once, however many tasks get rows of it,
// and is not copied.
#ifndef TRIDENT_ENGINE_LINKS_BUNDLE_WRITER_H_
#define TRIDENT_ENGINE_LINKS_BUNDLE_WRITER_H_

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "engine/frames/slice_payload.h"
#include "engine/links/bundle_format.h"
#include "engine/transport/message.h"

namespace trident {

// A bundle in pieces: `head`, then the bytes of `frames`, in order.
struct BundleBytes {
  std::string head;
  std::vector<std::shared_ptr<const EncodedFrame>> frames;

  size_t size() const;
  std::string Joined() const;
};

// The rows of a frame that goes to another process. REQUIRES: they are a FramePayload.
const FramePayload& EncodedRows(const DataFrame& frame);

// Not thread-safe.
class BundleWriter {
 public:
  // The tasks of a stage that the receiver has, ascending.
  using TasksThere = std::function<std::span<const uint32_t>(StageId)>;
  BundleWriter(Epoch epoch, WorkerId from, TasksThere tasks_there);

  // False: the bundle is full, and the message must wait for the next one. An empty bundle takes
  // any message, and what belongs to the last one (a part of the same frame, an end of the same
  // sender) always has room. Messages that belong together should come one after the other: only
  // then they share an entry. REQUIRES: the rows of a DataFrame are a FramePayload.
  bool TryAppend(const DataMessage& message);
  bool empty() const { return entries_ == 0 && !open_; }
  // The bundle of all that was appended. The writer is empty after that.
  BundleBytes Finish();

 private:
  // The entry that the next message may still join.
  struct Open {
    bundle_format::EntryHead head;
    std::shared_ptr<const EncodedFrame> frame;  // null: ends
    std::vector<bundle_format::Run> runs;
    std::vector<bundle_format::End> ends;
  };
  bool TryAppend(const DataFrame& frame);
  bool TryAppend(const EndMarker& end);
  bool HasRoomFor(size_t frame_bytes) const;
  void Start(Open entry);
  void Close();
  void PutHead(bundle_format::EntryKind kind, const bundle_format::EntryHead& head);
  void PutRuns(const Open& entry);
  void PutEnds(Open& entry);

  const Epoch epoch_;
  const WorkerId from_;
  const TasksThere tasks_there_;
  std::optional<Open> open_;
  uint32_t entries_ = 0;  // those that are closed
  std::string descriptions_;
  std::vector<std::shared_ptr<const EncodedFrame>> frames_;
  size_t frame_bytes_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_LINKS_BUNDLE_WRITER_H_
