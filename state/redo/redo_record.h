// SPDX-License-Identifier: Apache-2.0
//
// Redo record: all that one txid changes on one worker, as one value of the redo table. It is
// written in one write with the decision, so that a decided txid can be applied again after any
// crash.
//
// The bytes are described in docs/redo_record.md; writer and reader share the layout below. What a
// section holds is the business of the state or sink that wrote it.
#ifndef TRIDENT_STATE_REDO_REDO_RECORD_H_
#define TRIDENT_STATE_REDO_REDO_RECORD_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/status.h"

namespace trident {

// ---- layout: all integers little-endian ----
inline constexpr uint32_t kRedoMagic = 0x6f645254;  // "TRdo"
inline constexpr uint32_t kRedoVersion = 1;
inline constexpr size_t kRedoHeaderBytes = 56;
inline constexpr size_t kRedoSectionHeaderBytes = 24;
inline constexpr size_t kRedoChecksumBytes = 8;  // XXH3-64 of all before it; last in every version

struct RedoHeader {
  GroupId group;
  TxId txid;
  Attempt attempt;
  Attempt previous;  // the attempt of txid - 1 over which this one was computed

  friend bool operator==(const RedoHeader&, const RedoHeader&) = default;
};

// Whose changes a section holds.
struct RedoSectionId {
  enum class Kind : uint32_t {
    kState = 1,  // `owner` is a StateId
    kSink = 2,   // `owner` numbers a sink; rows that wait for the decision
  };
  Kind kind = Kind::kState;
  uint32_t owner = 0;
  PartitionId partition;

  friend auto operator<=>(const RedoSectionId&, const RedoSectionId&) = default;
};
inline RedoSectionId StateSection(StateId state, PartitionId partition) {
  return {RedoSectionId::Kind::kState, state.value(), partition};
}

struct RedoSection {
  RedoSectionId id;
  uint32_t count = 0;      // of changes or rows, as the writer counts them
  std::string_view bytes;  // a view into the record that was parsed
};

struct RedoRecord {
  RedoHeader header;
  std::vector<RedoSection> sections;  // in the order in which they were written
};

// Writes one record into one string. Not thread-safe; sections that several threads prepare are
// joined by AddSection.
class RedoRecordBuilder {
 public:
  // `buffer` is emptied and its memory used; hand back the string of an earlier record to save the
  // allocation.
  explicit RedoRecordBuilder(const RedoHeader& header, std::string buffer = {});

  // Opens a section and returns the string to which its bytes are to be appended (and nothing else
  // done with it) until EndSection. REQUIRES: no section is open.
  std::string& BeginSection(const RedoSectionId& id);
  // REQUIRES: a section is open.
  void EndSection(uint32_t count);
  void AddSection(const RedoSectionId& id, uint32_t count, std::string_view bytes);

  // Of the record so far.
  size_t bytes() const { return record_.size(); }
  uint64_t changes() const { return changes_; }  // of all sections, as their writers count them
  // Seals the record and hands it out. REQUIRES: no section is open.
  std::string Finish() &&;

 private:
  std::string record_;
  uint32_t sections_ = 0;
  uint64_t changes_ = 0;
  size_t open_section_ = 0;  // where its header stands; 0: none is open
};

// The checksum that a record carries: what a vote and a decision know it by. REQUIRES: `record` is
// one.
uint64_t RedoChecksum(std::string_view record);

// The sections are views into `bytes`. DataLoss says what was expected at which byte; a record of a
// newer version is FailedPrecondition.
StatusOr<RedoRecord> ParseRedoRecord(std::string_view bytes);
// The same, and DataLoss when the record is of another group or txid: a value under a foreign key.
StatusOr<RedoRecord> ParseRedoRecordOf(GroupId group, TxId txid, std::string_view bytes);

}  // namespace trident

#endif  // TRIDENT_STATE_REDO_REDO_RECORD_H_
