// SPDX-License-Identifier: Apache-2.0
#include "engine/links/bundle_reader.h"

#include <limits>

#include "base/coding.h"
#include "base/hash.h"

namespace trident {

using namespace bundle_format;

// Reads one bundle. Each step says what it found wrong, in words that end the sentence "entry 3 of
// 5: ".
class BundleParser {
 public:
  BundleParser(std::string_view bytes, const BufferRef& keep) : bytes_(bytes), keep_(keep) {}

  StatusOr<Bundle> Parse() {
    TRIDENT_RETURN_IF_ERROR(ReadHeader());
    for (; at_ < entries_; ++at_) {
      Bundle::Entry entry;
      if (const std::string_view wrong = ReadEntry(entry); !wrong.empty()) return Damaged(wrong);
      bundle_.entries_.push_back(std::move(entry));
    }
    if (!in_.done()) return Damaged("bytes are left over behind the last entry");
    if (!frames_.empty()) return Damaged("bytes are left over behind the last frame");
    return std::move(bundle_);
  }

 private:
  Status Damaged(std::string_view what) const {
    return DataLoss("a bundle of ", bytes_.size(), " bytes is damaged: entry ", at_, " of ",
                    entries_, ": ", what, "; the link or its sender is at fault");
  }

  Status ReadHeader() {
    if (bytes_.size() < kHeaderBytes + kChecksumBytes) {
      return DataLoss("a bundle has ", bytes_.size(), " bytes, fewer than any has");
    }
    ByteReader in(bytes_);
    const uint32_t magic = in.Fixed32();
    const auto version = static_cast<unsigned char>(in.Bytes(1)[0]);
    bundle_.epoch_ = Epoch(in.Fixed64());
    bundle_.from_ = WorkerId(in.Fixed32());
    const uint32_t entries = in.Fixed32();
    const std::string_view descriptions = in.Bytes(in.Fixed32());
    const std::string_view hashed = bytes_.substr(0, kHeaderBytes + descriptions.size());
    const uint64_t checksum = in.Fixed64();
    if (magic != kMagic) return DataLoss("a message of another worker is no bundle");
    if (!in.ok() || checksum != HashBytes(hashed)) {
      return DataLoss("a bundle of ", bytes_.size(),
                      " bytes is damaged: its checksum does not hold");
    }
    if (version != kVersion) {
      return FailedPrecondition("a bundle has version ", int{version}, ", expected ", int{kVersion},
                                "; run the same release everywhere");
    }
    entries_ = entries;
    if (entries > descriptions.size() / kEntryBytesMin) return Damaged("there are not so many");
    in_ = ByteReader(descriptions);
    frames_ = in.rest();
    return absl::OkStatus();
  }

  // A varint that must fit.
  uint32_t Number() {
    const uint64_t v = in_.Varint();
    if (v > std::numeric_limits<uint32_t>::max()) in_.Invalidate();
    return static_cast<uint32_t>(v);
  }

  // What is wrong; empty: nothing is.
  std::string_view ReadEntry(Bundle::Entry& entry) {
    const std::string_view kind = in_.Bytes(1);
    if (!in_.ok()) return "it is not there";
    entry.kind = static_cast<EntryKind>(kind[0]);
    EntryHead& head = entry.head;
    head.id.group = GroupId(Number());
    head.id.txid = TxId(in_.Varint());
    head.id.attempt.epoch = Epoch(in_.Varint());
    head.id.attempt.counter = Number();
    head.from.stage = StageId(Number());
    head.from.task = Number();
    head.to_stage = StageId(Number());
    head.edge = Number();
    head.batch_time_micros = UnZigZag(in_.Varint());
    if (!in_.ok()) return "it names no batch and edge";
    switch (entry.kind) {
      case kFrame:
        return ReadFrame(entry);
      case kEnds:
      case kEndsOfProcess:
        return ReadEnds(entry);
    }
    return "it is of an unknown kind";
  }

  std::string_view ReadFrame(Bundle::Entry& entry) {
    const uint64_t length = in_.Varint();
    if (!in_.ok() || length > frames_.size()) return "the bytes of its frame are not there";
    StatusOr<std::shared_ptr<const EncodedFrame>> frame =
        EncodedFrame::Parse(frames_.substr(0, length), keep_);
    if (!frame.ok()) return "its frame is none";
    frames_.remove_prefix(length);
    entry.frame = *std::move(frame);
    const uint64_t runs = in_.Varint();
    if (!in_.ok() || runs == 0 || runs > in_.remaining() / kRunBytesMin) {
      return "its frame has not so many parts";
    }
    entry.runs.resize(runs);
    for (Run& run : entry.runs) {
      run.task = Number();
      run.number = Number();
      run.first = in_.Varint();
      run.rows = in_.Varint();
      const uint64_t rows = entry.frame->rows();
      if (!in_.ok() || run.first > rows || run.rows > rows - run.first) {
        return "a part has rows that its frame has not";
      }
    }
    return {};
  }

  std::string_view ReadEnds(Bundle::Entry& entry) {
    const uint64_t ends = in_.Varint();
    if (!in_.ok() || ends > in_.remaining() / kEndBytesMin) return "there are not so many tasks";
    entry.ends.resize(ends);
    for (size_t i = 0; i < ends; ++i) {
      End& end = entry.ends[i];
      end.task = Number();
      end.frames = Number();
      end.checksum = in_.Fixed64();
      if (!in_.ok()) return "what a task got is no number";
      if (i > 0 && end.task <= entry.ends[i - 1].task) return "its tasks do not ascend";
    }
    return {};
  }

  const std::string_view bytes_;
  const BufferRef& keep_;
  Bundle bundle_;
  uint32_t entries_ = 0;
  uint32_t at_ = 0;
  ByteReader in_{{}};        // the descriptions
  std::string_view frames_;  // the bytes of those that are not read yet
};

StatusOr<Bundle> Bundle::Parse(std::string_view bytes, const BufferRef& keep) {
  return BundleParser(bytes, keep).Parse();
}

void Bundle::ForEach(TasksHere tasks_here, absl::FunctionRef<void(DataMessage)> take) const {
  for (const Entry& entry : entries_) {
    if (entry.kind == kFrame) {
      GiveFrames(entry, take);
    } else {
      GiveEnds(entry, tasks_here, take);
    }
  }
}

void Bundle::GiveFrames(const Entry& entry, absl::FunctionRef<void(DataMessage)> take) {
  for (const Run& run : entry.runs) {
    take(DataFrame{.id = entry.head.id,
                   .from = entry.head.from,
                   .to = {entry.head.to_stage, run.task},
                   .edge = entry.head.edge,
                   .number = run.number,
                   .batch_time_micros = entry.head.batch_time_micros,
                   .payload = std::make_shared<FramePayload>(entry.frame, run.first, run.rows)});
  }
}

void Bundle::GiveEnds(const Entry& entry, TasksHere tasks_here,
                      absl::FunctionRef<void(DataMessage)> take) {
  auto give = [&](const End& end) {
    take(EndMarker{.id = entry.head.id,
                   .from = entry.head.from,
                   .to = {entry.head.to_stage, end.task},
                   .edge = entry.head.edge,
                   .frames = end.frames,
                   .checksum = end.checksum,
                   .batch_time_micros = entry.head.batch_time_micros});
  };
  auto next = entry.ends.begin();
  if (entry.kind == kEndsOfProcess) {
    for (uint32_t task : tasks_here(entry.head.to_stage)) {
      while (next != entry.ends.end() && next->task < task) give(*next++);
      if (next != entry.ends.end() && next->task == task) continue;
      give({.task = task});
    }
  }
  while (next != entry.ends.end()) give(*next++);
}

}  // namespace trident
