// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/text_file_spout.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "engine/spout.h"
#include "trident/spouts/file_watch.h"
#include "trident/spouts/input_files.h"
#include "trident/spouts/spout_fields.h"
#include "trident/spouts/text_file_reader.h"
#include "trident/spouts/text_lines.h"

namespace trident {
namespace {

Status CheckOptions(const TextFileOptions& options) {
  if (options.paths.empty()) {
    return InvalidArgument("a TextFileSpout needs the path of a file or directory, got none");
  }
  for (const std::string& path : options.paths) {
    if (path != "-" && path != "/dev/stdin") continue;
    return InvalidArgument("\"", path,
                           "\" cannot be read again after a failure, so it is no file; ",
                           "read it by a TextPipeSpout, as a stream of its own that may be merged ",
                           "with others, or write it to a file and follow that");
  }
  const uint32_t readers = options.splits.readers;
  if (readers < 1 || readers > static_cast<uint32_t>(kFileReadersMax)) {
    return InvalidArgument("a file may have 1 to ", kFileReadersMax, " readers, got ", readers);
  }
  if (options.splits.split_bytes == 0 || options.read_bytes == 0) {
    return InvalidArgument("split_bytes and read_bytes must be at least 1, got ",
                           options.splits.split_bytes, " and ", options.read_bytes);
  }
  if (options.poll_nanos < 1) {
    return InvalidArgument("poll_nanos must be at least 1, got ", options.poll_nanos,
                           "; a followed file is looked at so often");
  }
  if (options.patience_nanos < 0 || options.rotate_wait_nanos < 0) {
    return InvalidArgument("patience_nanos and rotate_wait_nanos must be at least 0, got ",
                           options.patience_nanos, " and ", options.rotate_wait_nanos);
  }
  return absl::OkStatus();
}

class TextFiles final : public Spout {
 public:
  TextFiles(TextFileOptions options, SchemaRef schema)
      : options_(std::move(options)),
        schema_(std::move(schema)),
        counts_(options_.counts != nullptr ? options_.counts : std::make_shared<TextCounts>()),
        watch_(options_.follow == Follow::kYes ? std::make_unique<FileWatch>() : nullptr),
        files_(options_, [this] {
          if (watch_ != nullptr) watch_->LookSoon();
        }) {}
  ~TextFiles() override {
    if (watch_ != nullptr) watch_->Stop();
  }

  SpoutKind kind() const override { return SpoutKind::kTransactional; }
  const SchemaRef& schema() const override { return schema_; }
  Status Resume(const std::vector<SourcePosition>& committed) override {
    return files_.Resume(committed);
  }
  StatusOr<std::vector<std::string>> Partitions() override {
    TRIDENT_RETURN_IF_ERROR(files_.Open());
    return files_.PartitionsFrom(0);
  }
  // Files that take the place of others are numbered as this process has seen them come.
  bool ReadsInOneProcess() const override { return watch_ != nullptr; }
  LaterPartitions PartitionsAfter(size_t known) override;
  std::shared_ptr<const void> TellOfPartitions(WakeUp wake_up) override;
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& partition,
                                                     WakeUp wake_up) override;
  Backlog BacklogAfter(const std::string& partition, const Position& position) override;
  PositionForm positions() const override { return TextPosition::Form(); }
  Status CheckPosition(const std::string& partition, const Position& position) const override {
    const auto is_of_file = TextPartition::Parse(partition);
    if (!is_of_file) {
      return DataLoss("there is a position of the source partition \"", partition,
                      "\", expected those of text files, such as \"/logs/app#0\"");
    }
    if (position.empty()) return absl::OkStatus();
    return TextPosition::Parse(position, is_of_file->path).status();
  }
  SpoutCounts Counts() const override {
    return {.skipped = counts_->skipped_lines,
            .repaired = counts_->replaced_lines,
            .left = files_.LinesLeft()};
  }
  std::vector<std::string> LeftOut() const override { return files_.LeftOut(); }
  std::string Rules() const override {
    return Concat("follow ", static_cast<int>(options_.follow), ", replaced ",
                  static_cast<int>(options_.replaced), ", last line ",
                  static_cast<int>(options_.last_line), ", ", RulesText(options_.rules), ", ",
                  options_.splits.readers, " readers of splits of ", options_.splits.split_bytes);
  }
  std::string Describe() const override;

 private:
  const TextFileOptions options_;
  const SchemaRef schema_;
  const std::shared_ptr<TextCounts> counts_;
  const std::unique_ptr<FileWatch> watch_;  // null if the files are not followed
  InputFiles files_;
};

LaterPartitions TextFiles::PartitionsAfter(size_t known) {
  if (watch_ == nullptr) return {};
  return {files_.PartitionsFrom(known), LaterPartitions::More::kPerhaps};
}

std::shared_ptr<const void> TextFiles::TellOfPartitions(WakeUp wake_up) {
  if (watch_ == nullptr) return nullptr;
  std::shared_ptr<const void> told = files_.more_partitions().Add(std::move(wake_up));
  watch_->Start(&files_, options_.poll_nanos);
  return told;
}

StatusOr<std::unique_ptr<SourceReader>> TextFiles::OpenReader(const std::string& partition,
                                                              WakeUp wake_up) {
  TRIDENT_RETURN_IF_ERROR(files_.Open());
  TRIDENT_ASSIGN_OR_RETURN(InputFiles::Share share, files_.Find(partition));
  std::shared_ptr<const void> wakes;
  if (watch_ != nullptr) wakes = share.file->readers().Add(std::move(wake_up));
  return std::make_unique<TextFileReader>(
      TextFileReaderSpec{.file = std::move(share.file),
                         .reader = share.reader,
                         .rules = options_.rules,
                         .read_bytes = options_.read_bytes,
                         .poll_nanos = options_.poll_nanos,
                         .schema = schema_,
                         .counts = counts_,
                         .beginning = std::move(share.beginning),
                         .wakes = std::move(wakes)});
}

Backlog TextFiles::BacklogAfter(const std::string& partition, const Position& position) {
  const auto share = files_.Find(partition);
  if (!share.ok()) return {};
  uint64_t at = 0;
  if (!position.empty() && position != share->beginning) {
    const auto read = TextPosition::Parse(position, partition);
    if (!read.ok()) return {};
    at = read->offset;
  }
  const auto size = share->file->SizeNow();
  if (!size.ok()) return {};
  return Backlog::Bytes(share->file->splits().OwnedBytes(share->reader, at, *size));
}

std::string TextFiles::Describe() const {
  const size_t paths = options_.paths.size();
  return Concat(paths == 1 ? "text file " + options_.paths[0] : Concat("text files (", paths, ")"),
                options_.follow == Follow::kYes ? ", followed" : "");
}

}  // namespace

StatusOr<std::shared_ptr<Spout>> TextFileSpout::Make(TextFileOptions options) {
  TRIDENT_RETURN_IF_ERROR(CheckOptions(options));
  TRIDENT_ASSIGN_OR_RETURN(SchemaRef schema,
                           SchemaOfSpout("TextFileSpout", {{options.field, &TypeOf<Text>()}}));
  return std::make_shared<TextFiles>(std::move(options), std::move(schema));
}

uint64_t TextSplits::NextOwned(uint32_t reader, uint64_t offset) const {
  const uint64_t split = SplitOf(offset);
  const uint64_t ahead = (reader + readers - split % readers) % readers;
  return ahead == 0 ? offset : (split + ahead) * split_bytes;
}

uint64_t TextSplits::OwnedBytes(uint32_t reader, uint64_t begin, uint64_t end) const {
  const auto before = [&](uint64_t offset) {
    const uint64_t split = SplitOf(offset);
    const uint64_t whole = split / readers + (reader < split % readers ? 1 : 0);
    return whole * split_bytes + (Owns(reader, offset) ? offset % split_bytes : 0);
  };
  return begin < end ? before(end) - before(begin) : 0;
}

}  // namespace trident
