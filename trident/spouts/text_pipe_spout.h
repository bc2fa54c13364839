// SPDX-License-Identifier: Apache-2.0
//
// TextPipeSpout: the lines that come through standard input or a named pipe.
//
//   topology.NewStream("lines", TextPipeSpout::Make({}))                     // standard input
//   topology.NewStream("lines", TextPipeSpout::Make({.path = "/run/feed"}))  // a named pipe
//
// A pipe cannot be read again: each line is in at most one committed batch. The lines of a batch
// that fails are lost, and so are those that were read and not committed when the program stops. To
// lose none, write to a file, and let a TextFileSpout follow it.
#ifndef TRIDENT_TRIDENT_SPOUTS_TEXT_PIPE_SPOUT_H_
#define TRIDENT_TRIDENT_SPOUTS_TEXT_PIPE_SPOUT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "trident/spouts/text_file_spout.h"

namespace trident {

struct TextPipeOptions {
  std::string path = "-";      // "-" and "/dev/stdin" are standard input
  std::string field = "line";  // the field kLine
  // kNo: the input ends when its last writer has closed it. kYes: another writer of a named pipe is
  // waited for. Standard input always ends.
  Follow follow = Follow::kNo;
  LastLine last_line = LastLine::kYes;
  TextRules rules = {};
  uint64_t read_bytes = 256 * 1024;  // kFileReadBytes
  // How often an empty pipe is looked at.
  int64_t poll_nanos = 5'000'000;  // kSpoutPollNanosDefault
  // If set, counts the lines that the rules left out or repaired.
  std::shared_ptr<TextCounts> counts = nullptr;
};

// A non-transactional spout with one source partition, "pipe". Nothing is read ahead of what
// batches ask for, but for one block and the rest of a line, so a slow topology holds the writer
// back. Lines are as a TextFileSpout has them, in UTF-8 and not compressed. Thread-safe.
class TextPipeSpout {
 public:
  // True if a TextPipeSpout reads `path`: standard input, a named pipe, or a character device.
  static bool Reads(const std::string& path);
  // InvalidArgument if an option is out of its range. Does not look at the pipe; the start does,
  // and NotFound, PermissionDenied or InvalidArgument name what is no pipe.
  static StatusOr<std::shared_ptr<Spout>> Make(TextPipeOptions options);

  TextPipeSpout() = delete;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_TEXT_PIPE_SPOUT_H_
