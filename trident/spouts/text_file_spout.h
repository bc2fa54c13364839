// SPDX-License-Identifier: Apache-2.0
//
// TextFileSpout: the lines of files.
//
//   topology.NewStream("lines", TextFileSpout::Make({.paths = {"logs", "more.txt"}}))
//
// A line ends with "\n" or "\r\n", which are not part of it; the last line of a file needs neither.
// Lines are views into the blocks that were read: nothing is copied. Which lines of a file a reader
// has, and in which order the readers of several files take turns, is not the order of the files;
// within a split the order of lines is kept.
#ifndef TRIDENT_TRIDENT_SPOUTS_TEXT_FILE_SPOUT_H_
#define TRIDENT_TRIDENT_SPOUTS_TEXT_FILE_SPOUT_H_

#include <memory>

#include "base/status.h"
#include "engine/data/field.h"
#include "trident/spouts/text_file_options.h"

namespace trident {

class Spout;

inline constexpr Field<Text> kLine{"line"};

// Transactional, as long as the files stay what they are: they may grow, but a file that was
// replaced, truncated or, unless it is followed, written to fails the batch, and so does another
// file of the same name when the program comes back. Thread-safe.
//
// Source partitions are called "<absolute path>#<reader>". A file that is not followed is read up
// to the end it had at the start; when the program comes back, what it has grown by is read too. In
// a followed file a last line without its newline waits for it; else it is a line.
//
// The backlog is in bytes of the files; in a followed file, a last line without its newline waits
// too. At the start, NotFound, PermissionDenied or InvalidArgument name the path that cannot be
// read, or the directory without files.
class TextFileSpout {
 public:
  // InvalidArgument: no paths, or an option out of its range. Files are not looked at yet.
  static StatusOr<std::shared_ptr<Spout>> Make(TextFileOptions options);

  TextFileSpout() = delete;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_TEXT_FILE_SPOUT_H_
