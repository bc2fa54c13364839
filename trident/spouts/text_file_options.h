// SPDX-License-Identifier: Apache-2.0
//
// What one may choose about reading text files.
#ifndef TRIDENT_TRIDENT_SPOUTS_TEXT_FILE_OPTIONS_H_
#define TRIDENT_TRIDENT_SPOUTS_TEXT_FILE_OPTIONS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "trident/spouts/text_splits.h"

namespace trident {

// Does reading go on when the file grows?
enum class Follow : uint8_t {
  kNo,   // the file ends where it ended when it was first looked at
  kYes,  // it ends nowhere
};

// What becomes of a line that is no UTF-8.
enum class InvalidUtf8 : uint8_t {
  kFail,     // the batch fails, and the error names the file and the byte
  kReplace,  // each byte that fits nowhere becomes U+FFFD
  kSkip,     // the line is left out and counted
};
// What becomes of a line over the limit.
enum class LongLine : uint8_t { kFail, kSkip };

struct TextRules {
  InvalidUtf8 invalid_utf8 = InvalidUtf8::kFail;
  LongLine long_line = LongLine::kFail;
  uint64_t line_bytes_max = kLineBytesMax;
};

// How often a rule other than failing was applied; an attempt that is made again counts again.
struct TextCounts {
  std::atomic<uint64_t> skipped_lines = 0;
  std::atomic<uint64_t> replaced_lines = 0;
};

struct TextFileOptions {
  // Files, and directories: of these all regular files below, but none whose name begins with ".".
  std::vector<std::string> paths;
  std::string field = "line";  // the field kLine
  Follow follow = Follow::kNo;
  TextRules rules = {};
  // Each file is read in splits of `split_bytes` by `readers` source partitions in turn. Both must
  // stay the same as long as a state is used; a program that changes them is refused.
  TextSplits splits = {};
  // Of one block; more where a line is longer.
  uint64_t read_bytes = kFileReadBytes;
  // How often a followed file is looked at.
  Nanos poll_nanos = kSpoutPollNanosDefault;
  // Where the lines that the rules left out or repaired are counted, if you want to know.
  std::shared_ptr<TextCounts> counts = nullptr;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_TEXT_FILE_OPTIONS_H_
