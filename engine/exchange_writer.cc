// SPDX-License-Identifier: Apache-2.0
#include "engine/exchange_writer.h"

#include "base/check.h"
#include "engine/frames/slice_payload.h"

namespace trident {

ExchangeWriter::ExchangeWriter(ExchangeSpec spec, TaskAddress from, FrameSender* sender)
    : spec_(std::move(spec)), from_(from), sender_(sender), links_(spec_.to_tasks) {}

void ExchangeWriter::Begin(const BatchContext& context) {
  context_ = context;
  slices_ = 0;
  links_.assign(spec_.to_tasks, Link{});
}

Status ExchangeWriter::Process(const Slice& slice, Output& /*out*/) {
  RouteContext route{context_.id, slices_++, from_.task, spec_.to_tasks};
  if (spec_.to_tasks == 1) {
    SendFrame(0, slice);
    return absl::OkStatus();
  }
  spec_.partitioner->Route(route, slice, routing_);
  switch (routing_.kind) {
    case Routing::Kind::kWhole:
      SendFrame(routing_.task, slice);
      break;
    case Routing::Kind::kBroadcast:
      for (uint32_t task = 0; task < spec_.to_tasks; ++task) SendFrame(task, slice);
      break;
    case Routing::Kind::kByRow:
      SendByRow(slice);
      break;
  }
  return absl::OkStatus();
}

void ExchangeWriter::SendByRow(const Slice& slice) {
  TRIDENT_CHECK_EQ(routing_.task_of_row.size(), slice.rows());
  first_place_.assign(spec_.to_tasks + 1, 0);
  for (uint32_t task : routing_.task_of_row) {
    TRIDENT_CHECK_LT(task, spec_.to_tasks) << spec_.partitioner->Describe();
    ++first_place_[task + 1];
  }
  for (uint32_t task = 0; task < spec_.to_tasks; ++task)
    first_place_[task + 1] += first_place_[task];
  places_.resize(slice.rows());
  for (uint32_t i = 0; i < slice.rows(); ++i) {
    places_[first_place_[routing_.task_of_row[i]]++] = i;
  }
  // first_place_[task] is now where the rows of `task` end.
  uint32_t begin = 0;
  for (uint32_t task = 0; task < spec_.to_tasks; ++task) {
    uint32_t end = first_place_[task];
    if (end - begin == slice.rows()) {
      SendFrame(task, slice);
    } else if (end > begin) {
      SendFrame(task, slice.Gather(std::span(places_).subspan(begin, end - begin)));
    }
    begin = end;
  }
}

void ExchangeWriter::SendFrame(uint32_t task, Slice slice) {
  Link& link = links_[task];
  DataFrame frame{.id = context_.id,
                  .from = from_,
                  .to = {spec_.to_stage, task},
                  .edge = spec_.edge,
                  .number = link.frames++,
                  .batch_time_micros = context_.batch_time_micros,
                  .payload = std::make_shared<SlicePayload>(std::move(slice))};
  link.checksum = FrameChecksum(link.checksum, frame);
  sender_->Send(std::move(frame));
}

Status ExchangeWriter::Finish(Output& /*out*/) {
  for (uint32_t task = 0; task < spec_.to_tasks; ++task) {
    sender_->Send(EndMarker{.id = context_.id,
                            .from = from_,
                            .to = {spec_.to_stage, task},
                            .edge = spec_.edge,
                            .frames = links_[task].frames,
                            .checksum = links_[task].checksum,
                            .batch_time_micros = context_.batch_time_micros});
  }
  return absl::OkStatus();
}

}  // namespace trident
