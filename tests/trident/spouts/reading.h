// SPDX-License-Identifier: Apache-2.0
//
// Reads spouts as a topology does, without one.
#ifndef TRIDENT_TESTS_TRIDENT_SPOUTS_READING_H_
#define TRIDENT_TESTS_TRIDENT_SPOUTS_READING_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/spout.h"

namespace trident::testing {

// Keeps what is emitted, as text of each row and as batches (which keep their memory alive).
class CollectingOutput final : public Output {
 public:
  Status Emit(const Slice& slice) override {
    for (size_t i = 0; i < slice.rows(); ++i) rows.push_back(ToString(slice.Row(i).at(0)));
    slices.push_back(slice);
    return absl::OkStatus();
  }
  std::vector<std::string> rows;  // the first field of each
  std::vector<Slice> slices;
};

struct ReadRows {
  Status status;
  std::vector<std::string> rows;
  ReadResult result;
};

// One call of Read.
inline ReadRows ReadOnce(SourceReader& reader, const Position& start, BatchLimits limits,
                         const Position* end = nullptr) {
  CollectingOutput out;
  auto result = reader.Read({.start = start, .end = end, .limits = limits}, out);
  if (!result.ok()) return {result.status(), {}, {}};
  EXPECT_EQ(out.rows.size(), result->rows);
  if (!result->refused.ok()) {
    EXPECT_EQ(result->rows, 1u) << "what stands for the refused row";
  }
  return {result->refused, std::move(out.rows), *result};
}

inline constexpr BatchLimits kNoLimits{1u << 20, 1u << 30};

// What a batch takes of one source partition: slices of at most `limits` until there is no more.
struct ReadBatch {
  Status status;
  std::vector<std::string> rows;
  Position end;
  ReadResult::Next next = ReadResult::Next::kMore;
};
inline ReadBatch ReadUntilPause(SourceReader& reader, Position from, BatchLimits limits) {
  ReadBatch out{absl::OkStatus(), {}, std::move(from)};
  while (true) {
    ReadRows read = ReadOnce(reader, out.end, limits);
    if (!read.status.ok()) {
      out.status = read.status;
      return out;
    }
    out.rows.insert(out.rows.end(), read.rows.begin(), read.rows.end());
    const bool moved = read.result.end != out.end;
    out.end = read.result.end;
    out.next = read.result.next;
    if (out.next != ReadResult::Next::kMore) return out;
    if (!moved) {
      out.status = Internal("Read says that there is more at ", out.end, ", and does not move");
      return out;
    }
  }
}

inline std::unique_ptr<SourceReader> OpenReader(Spout& spout, const std::string& partition) {
  auto reader = spout.OpenReader(partition, [] {});
  EXPECT_TRUE(reader.ok()) << reader.status();
  return *std::move(reader);
}

// Everything, partition by partition, with a position of "" first.
inline std::vector<std::vector<std::string>> ReadAll(Spout& spout, BatchLimits limits = kNoLimits) {
  const auto partitions = spout.Partitions();
  EXPECT_TRUE(partitions.ok()) << partitions.status();
  std::vector<std::vector<std::string>> rows;
  for (const std::string& partition : *partitions) {
    const ReadBatch read = ReadUntilPause(*OpenReader(spout, partition), "", limits);
    EXPECT_TRUE(read.status.ok()) << read.status;
    EXPECT_EQ(read.next, ReadResult::Next::kEnded);
    rows.push_back(read.rows);
  }
  return rows;
}

inline Availability::State PollAt(SourceReader& reader, const Position& position) {
  const auto state = reader.Poll(position);
  EXPECT_TRUE(state.ok()) << state.status();
  return state->state;
}

inline void ExpectError(const Status& status, StatusCode code,
                        const std::vector<std::string>& parts) {
  EXPECT_EQ(status.code(), code) << status;
  for (const std::string& part : parts) {
    EXPECT_NE(Message(status).find(part), std::string_view::npos) << part << " in " << status;
  }
}
inline void ExpectInvalid(const Status& status, const std::string& part) {
  ExpectError(status, StatusCode::kInvalidArgument, {part});
}

}  // namespace trident::testing

#endif  // TRIDENT_TESTS_TRIDENT_SPOUTS_READING_H_
