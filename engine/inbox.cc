// SPDX-License-Identifier: Apache-2.0
#include "engine/inbox.h"

#include <algorithm>

#include "base/check.h"

namespace trident {
namespace {

// More frames than this from one task for one batch are damage, not data.
constexpr uint32_t kFramesMax = 1u << 24;

}  // namespace

Inbox::Inbox(const std::vector<InputSpec>& inputs) : inputs_(inputs) {
  for (const InputSpec& input : inputs_) {
    for (uint32_t task = 0; task < input.from_tasks; ++task) {
      lanes_.emplace_back().input = &input;
    }
  }
}

void Inbox::Clear() {
  for (Lane& lane : lanes_) {
    lane.popped = 0;
    lane.frames.clear();
    lane.ahead.clear();
    lane.checksum = 0;
    lane.end.reset();
  }
  cursor_ = 0;
  status_ = absl::OkStatus();
}

Inbox::Lane* Inbox::FindLane(uint32_t edge, TaskAddress from) {
  size_t first = 0;
  for (const InputSpec& input : inputs_) {
    if (input.edge == edge && input.from_stage == from.stage && from.task < input.from_tasks) {
      return &lanes_[first + from.task];
    }
    first += input.from_tasks;
  }
  status_ = Internal("a frame along edge ", edge, " from task ", from.task, " of stage ",
                     from.stage.value(),
                     ", which the plan does not have; do all workers run the same topology?");
  return nullptr;
}

bool Inbox::Add(const DataFrame& frame) {
  Lane* lane = FindLane(frame.edge, frame.from);
  if (lane == nullptr) return false;
  if (frame.number >= kFramesMax || (lane->end && frame.number >= lane->end->frames)) {
    status_ = Internal("frame ", frame.number, " along edge ", frame.edge,
                       " lies beyond the end that its sender has announced");
    return false;
  }
  if (frame.number < lane->frames.size()) return false;
  if (frame.number > lane->frames.size()) {
    // Memory is taken for frames that are here, not for those that a number promises.
    if (!lane->ahead.emplace(frame.number, frame.payload).second) return false;
    return true;
  }
  lane->frames.push_back(frame.payload);
  for (auto next = lane->ahead.begin();
       next != lane->ahead.end() && next->first == lane->frames.size();
       next = lane->ahead.erase(next)) {
    lane->frames.push_back(std::move(next->second));
  }
  return true;
}

bool Inbox::Add(const EndMarker& marker) {
  Lane* lane = FindLane(marker.edge, marker.from);
  if (lane == nullptr) return false;
  if (lane->end) {
    if (lane->end->frames != marker.frames || lane->end->checksum != marker.checksum) {
      status_ = Internal("edge ", marker.edge,
                         " ended twice, and not after the same frames: ", lane->end->frames,
                         " and ", marker.frames);
    }
    return false;
  }
  if (marker.frames < lane->seen()) {
    status_ = Internal("edge ", marker.edge, " ended after ", marker.frames, " frames, but frame ",
                       lane->seen() - 1, " has come");
    return false;
  }
  lane->end = marker;
  CloseFinishedLanes();
  return true;
}

std::optional<Inbox::Next> Inbox::Pop() {
  if (!status_.ok() || cursor_ == lanes_.size()) return std::nullopt;
  Lane& lane = lanes_[cursor_];
  if (lane.popped >= lane.frames.size()) return std::nullopt;
  Next next{lane.input, std::move(lane.frames[lane.popped])};
  DataFrame seen;
  seen.number = lane.popped++;
  seen.payload = next.payload;
  lane.checksum = FrameChecksum(lane.checksum, seen);
  CloseFinishedLanes();
  return next;
}

uint64_t Inbox::waiting_bytes() const {
  uint64_t bytes = 0;
  for (const Lane& lane : lanes_) {
    for (const auto& frame : lane.frames) bytes += frame == nullptr ? 0 : frame->bytes();
    for (const auto& [number, frame] : lane.ahead) bytes += frame->bytes();
  }
  return bytes;
}

void Inbox::CloseFinishedLanes() {
  while (cursor_ < lanes_.size()) {
    Lane& lane = lanes_[cursor_];
    if (!lane.end || lane.popped != lane.end->frames) return;
    if (lane.checksum != lane.end->checksum) {
      status_ =
          DataLoss("the frames along edge ", lane.end->edge, " from task ", lane.end->from.task,
                   " do not have the checksum that their sender announced");
      return;
    }
    ++cursor_;
  }
}

}  // namespace trident
