// SPDX-License-Identifier: Apache-2.0
#include "engine/exchange_writer.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "engine/frames/slice_payload.h"

namespace trident {

ExchangeWriter::ExchangeWriter(ExchangeSpec spec, TaskAddress from, FrameSender* sender)
    : spec_(std::move(spec)), from_(from), sender_(sender), links_(spec_.to_tasks) {}

void ExchangeWriter::Begin(const BatchContext& context) {
  context_ = context;
  slices_ = 0;
  links_.assign(spec_.to_tasks, Link{});
  if (tasks_.empty()) ArrangeTasks();
}

void ExchangeWriter::ArrangeTasks() {
  std::map<std::optional<WorkerId>, std::vector<uint32_t>> tasks_of;  // of this process first
  for (uint32_t task = 0; task < spec_.to_tasks; ++task) {
    tasks_of[sender_->FarWorkerOf({spec_.to_stage, task})].push_back(task);
  }
  rank_.resize(spec_.to_tasks);
  for (const auto& [worker, tasks] : tasks_of) {
    for (uint32_t task : tasks) {
      rank_[task] = static_cast<uint32_t>(tasks_.size());
      tasks_.push_back(task);
    }
    if (worker.has_value()) process_ends_.push_back(tasks_.size());
  }
  near_ = tasks_of[std::nullopt].size();
}

Status ExchangeWriter::Process(const Slice& slice, Output& /*out*/) {
  RouteContext route{context_.id, slices_++, from_.task, spec_.to_tasks};
  if (spec_.to_tasks == 1) {
    SendWhole(slice, 0, 1);
    return absl::OkStatus();
  }
  spec_.partitioner->Route(route, slice, routing_);
  switch (routing_.kind) {
    case Routing::Kind::kWhole:
      SendWhole(slice, rank_[routing_.task], rank_[routing_.task] + 1);
      break;
    case Routing::Kind::kBroadcast:
      SendWhole(slice, 0, tasks_.size());
      break;
    case Routing::Kind::kByRow:
      SendByRow(slice);
      break;
  }
  return absl::OkStatus();
}

// All rows to each of the tasks.
void ExchangeWriter::SendWhole(const Slice& slice, size_t first_rank, size_t last_rank) {
  runs_.clear();
  for (size_t rank = first_rank; rank < last_rank; ++rank) {
    if (rank < near_) {
      sender_->Send(Framed(tasks_[rank], std::make_shared<SlicePayload>(slice)));
    } else {
      runs_.push_back({tasks_[rank], 0, slice.rows()});
    }
  }
  if (!runs_.empty()) SendFar(slice, runs_);
}

// Sorts the rows by rank: first_place_[rank] is where those of `rank` begin in places_.
void ExchangeWriter::SortRows(size_t rows) {
  TRIDENT_CHECK_EQ(routing_.task_of_row.size(), rows);
  first_place_.assign(spec_.to_tasks + 2, 0);
  for (uint32_t task : routing_.task_of_row) {
    TRIDENT_CHECK_LT(task, spec_.to_tasks) << spec_.partitioner->Describe();
    ++first_place_[rank_[task] + 2];
  }
  for (uint32_t rank = 0; rank < spec_.to_tasks; ++rank) {
    first_place_[rank + 2] += first_place_[rank + 1];
  }
  places_.resize(rows);
  for (uint32_t i = 0; i < rows; ++i) {
    places_[first_place_[rank_[routing_.task_of_row[i]] + 1]++] = i;
  }
}

void ExchangeWriter::SendByRow(const Slice& slice) {
  SortRows(slice.rows());
  const std::span<const uint32_t> places(places_);
  for (size_t rank = 0; rank < near_; ++rank) {
    const size_t begin = first_place_[rank];
    const size_t rows = first_place_[rank + 1] - begin;
    if (rows == 0) continue;
    sender_->Send(
        Framed(tasks_[rank],
               std::make_shared<SlicePayload>(
                   rows == slice.rows() ? slice : slice.Gather(places.subspan(begin, rows)))));
  }
  const bool fits = process_ends_.empty() || slice.MemoryBytes() <= kFarFrameBytes;
  size_t rank = near_;
  for (size_t end : process_ends_) {
    const size_t begin = first_place_[rank];
    const size_t rows = first_place_[end] - begin;
    runs_.clear();
    for (; rank < end; ++rank) {
      const size_t run = first_place_[rank + 1] - first_place_[rank];
      if (run > 0) runs_.push_back({tasks_[rank], first_place_[rank] - begin, run});
    }
    if (rows == 0) continue;
    if (fits) {
      SendEncoded(EncodedFrame::Of(slice, places.subspan(begin, rows)), runs_);
    } else {
      SendFar(slice.Gather(places.subspan(begin, rows)), runs_);
    }
  }
}

// A slice has a limit of rows, a frame one of bytes too.
void ExchangeWriter::SendFar(const Slice& slice, std::span<const Run> runs) {
  const size_t rows = slice.rows();
  if (rows <= 1 || slice.MemoryBytes() <= kFarFrameBytes) {
    return SendEncoded(EncodedFrame::Of(slice), runs);
  }
  std::vector<uint32_t> places(rows);
  std::iota(places.begin(), places.end(), 0u);
  SendPart(slice, runs, std::span(places).first(rows / 2));
  SendPart(slice, runs, std::span(places).subspan(rows / 2));
}

void ExchangeWriter::SendPart(const Slice& slice, std::span<const Run> runs,
                              std::span<const uint32_t> places) {
  const size_t begin = places.front();
  const size_t end = begin + places.size();
  std::vector<Run> inside;
  for (const Run& run : runs) {
    const size_t first = std::max(run.first, begin);
    const size_t last = std::min(run.first + run.rows, end);
    if (first < last) inside.push_back({run.task, first - begin, last - first});
  }
  SendFar(slice.Gather(places), inside);
}

// A frame for several tasks goes once to each process.
void ExchangeWriter::SendEncoded(const std::shared_ptr<const EncodedFrame>& frame,
                                 std::span<const Run> runs) {
  std::vector<DataMessage> parts;
  parts.reserve(runs.size());
  for (const Run& run : runs) {
    parts.push_back(Framed(run.task, std::make_shared<FramePayload>(frame, run.first, run.rows)));
  }
  sender_->SendTogether(std::move(parts));
}

DataFrame ExchangeWriter::Framed(uint32_t task, std::shared_ptr<const Payload> payload) {
  Link& link = links_[task];
  DataFrame frame{.id = context_.id,
                  .from = from_,
                  .to = {spec_.to_stage, task},
                  .edge = spec_.edge,
                  .number = link.frames++,
                  .batch_time_micros = context_.batch_time_micros,
                  .payload = std::move(payload)};
  link.checksum = FrameChecksum(link.checksum, frame);
  return frame;
}

Status ExchangeWriter::Finish(Output& /*out*/) {
  std::vector<DataMessage> far;
  for (size_t rank = 0; rank < tasks_.size(); ++rank) {
    const uint32_t task = tasks_[rank];
    const EndMarker end{.id = context_.id,
                        .from = from_,
                        .to = {spec_.to_stage, task},
                        .edge = spec_.edge,
                        .frames = links_[task].frames,
                        .checksum = links_[task].checksum,
                        .batch_time_micros = context_.batch_time_micros};
    if (rank < near_) {
      sender_->Send(end);
    } else {
      far.push_back(end);
    }
  }
  if (!far.empty()) sender_->SendTogether(std::move(far));
  return absl::OkStatus();
}

}  // namespace trident
