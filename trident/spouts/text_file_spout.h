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

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/mutex.h"
#include "engine/data/field.h"
#include "engine/spout.h"
#include "trident/spouts/input_file.h"
#include "trident/spouts/text_lines.h"
#include "trident/spouts/text_position.h"

namespace trident {

inline constexpr Field<Text> kLine{"line"};

struct TextFileOptions {
  // Files, and directories: of these all regular files below, but none whose name begins with ".".
  std::vector<std::string> paths;
  std::string field = std::string(kLine.name);
  Follow follow = Follow::kNo;
  TextRules rules = {};
  // Each file is read in splits of `split_bytes` by `readers` source partitions in turn. Both must
  // stay the same as long as a state is used; a program that changes them is refused.
  TextSplits splits = {};
  // Of one block; more where a line is longer.
  uint64_t read_bytes = kFileReadBytes;
  // How often a followed file is looked at.
  Nanos poll_nanos = kSpoutPollNanosDefault;
};

// Transactional, as long as the files stay what they are: they may grow, but a file that was
// replaced, truncated or, unless it is followed, written to fails the batch, and so does another
// file of the same name when the program comes back. Thread-safe.
//
// Source partitions are called "<absolute path>#<reader>". A file that is not followed is read up
// to the end it had at the start; when the program comes back, what it has grown by is read too. In
// a followed file a last line without its newline waits for it; else it is a line.
class TextFileSpout final : public Spout {
 public:
  // InvalidArgument: no paths, or an option out of its range. Files are not looked at yet.
  static StatusOr<std::shared_ptr<TextFileSpout>> Make(TextFileOptions options);

  SpoutKind kind() const override { return SpoutKind::kTransactional; }
  const SchemaRef& schema() const override { return schema_; }
  // NotFound, PermissionDenied or InvalidArgument name the path that cannot be read, or the
  // directory without files.
  StatusOr<std::vector<std::string>> Partitions() override;
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& partition,
                                                     WakeUp wake_up) override;
  // In bytes of the files. Of a followed file, a last line without its newline waits too.
  Backlog BacklogAfter(const std::string& partition, const Position& position) override;
  std::string Describe() const override;

  // What the rules have left out or repaired so far.
  const TextCounts& counts() const { return *counts_; }

 private:
  TextFileSpout(TextFileOptions options, SchemaRef schema);
  // The same object for all readers of a file, so that they agree on what it was at the start.
  StatusOr<std::shared_ptr<const InputFile>> FileAt(const std::string& path);

  const TextFileOptions options_;
  const SchemaRef schema_;
  const std::shared_ptr<TextCounts> counts_;
  Mutex mutex_;
  std::map<std::string, std::shared_ptr<const InputFile>> files_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_TEXT_FILE_SPOUT_H_
