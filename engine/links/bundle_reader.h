// SPDX-License-Identifier: Apache-2.0
//
// Bundle: what came as one message from another worker. Its bytes are trusted in nothing: the
// checksum, every count and every length are checked before they are used, and memory is taken in
// proportion to the bytes that are there. The bytes of its frames have a checksum of their own,
// which is checked where they are decoded. Whether its tasks and edges exist, FrameGate must say.
#ifndef TRIDENT_ENGINE_LINKS_BUNDLE_READER_H_
#define TRIDENT_ENGINE_LINKS_BUNDLE_READER_H_

#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/ids.h"
#include "base/status.h"
#include "engine/data/column.h"
#include "engine/frames/slice_payload.h"
#include "engine/links/bundle_format.h"
#include "engine/transport/message.h"

namespace trident {

class Bundle {
 public:
  // The tasks of a stage that this process has, ascending.
  using TasksHere = absl::FunctionRef<std::span<const uint32_t>(StageId)>;

  // `keep` owns the memory of `bytes`; frames hold on to it. DataLoss: damaged bytes.
  // FailedPrecondition: a bundle of another version.
  static StatusOr<Bundle> Parse(std::string_view bytes, const BufferRef& keep);

  Epoch epoch() const { return epoch_; }
  WorkerId from() const { return from_; }
  // Gives out all messages, in the order in which they were sent. End markers for tasks that got
  // nothing are made here, one at a time.
  void ForEach(TasksHere tasks_here, absl::FunctionRef<void(DataMessage)> take) const;

 private:
  friend class BundleParser;
  struct Entry {
    bundle_format::EntryKind kind = bundle_format::kFrame;
    bundle_format::EntryHead head;
    std::shared_ptr<const EncodedFrame> frame;
    std::vector<bundle_format::Run> runs;
    std::vector<bundle_format::End> ends;
  };
  static void GiveFrames(const Entry& entry, absl::FunctionRef<void(DataMessage)> take);
  static void GiveEnds(const Entry& entry, TasksHere tasks_here,
                       absl::FunctionRef<void(DataMessage)> take);

  Epoch epoch_;
  WorkerId from_;
  std::vector<Entry> entries_;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_LINKS_BUNDLE_READER_H_
