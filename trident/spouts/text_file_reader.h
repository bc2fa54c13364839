// SPDX-License-Identifier: Apache-2.0
//
// TextFileReader: one source partition of a TextFileSpout, the splits that one reader has of a
// file.
#ifndef TRIDENT_TRIDENT_SPOUTS_TEXT_FILE_READER_H_
#define TRIDENT_TRIDENT_SPOUTS_TEXT_FILE_READER_H_

#include <memory>
#include <string>

#include "base/clock.h"
#include "engine/spout.h"
#include "trident/spouts/input_file.h"
#include "trident/spouts/text_lines.h"
#include "trident/spouts/text_position.h"

namespace trident {

struct TextFileReaderSpec {
  std::shared_ptr<InputFile> file;
  uint32_t reader = 0;
  TextRules rules;
  uint64_t read_bytes = 0;
  Nanos poll_nanos = 0;
  SchemaRef schema;
  std::shared_ptr<TextCounts> counts;
  Position beginning;  // a position of another file, which stands for the beginning of this one
  std::shared_ptr<const void> wakes;  // held as long as the reader is to be woken
};

class TextFileReader final : public SourceReader {
 public:
  explicit TextFileReader(TextFileReaderSpec spec);

  StatusOr<ReadResult> Read(const ReadRequest& request, Output& out) override;
  StatusOr<Availability> Poll(const Position& position) override;
  void Committed(TxId txid, const Position& position) override;

 private:
  InputFile& file() const { return *spec_.file; }
  // Makes the file ready to be read at `start`. False: that takes longer, and one part is done.
  StatusOr<bool> Prepare(const ReadRequest& request) const;
  // The offset of a position that was given to us; checks that the file and its splits are still
  // those that the position was made with.
  StatusOr<uint64_t> OffsetOf(const Position& position);
  // The same without the checks.
  StatusOr<uint64_t> OffsetIn(const Position& position) const;
  Status CheckContent(const TextPosition& position) const;
  // `read_to` is where the bytes end that were read last.
  StatusOr<Position> PositionAt(uint64_t offset, uint64_t read_to);
  // Reads the first bytes of the file, unless that many are known.
  Status LoadHead(uint64_t least);
  StatusOr<ReadResult::Next> NextAt(uint64_t offset);
  void Tally();
  // An error of the file is that it is away, and it is waited for, or that what it held is gone and
  // the next file is to be read.
  bool CanWait(const Status& status) const;
  // What comes next if CanWait.
  ReadResult::Next NextWithout() const;

  const TextFileReaderSpec spec_;
  TextCounts counts_;  // until the next Tally
  TextLines lines_;
  std::string head_;
  Position last_end_;         // of the last Read, and ...
  uint64_t last_offset_ = 0;  // ... where it is
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_TEXT_FILE_READER_H_
