// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/text_file_spout.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "base/limits.h"
#include "base/mutex.h"
#include "engine/spout.h"
#include "trident/spouts/input_file.h"
#include "trident/spouts/spout_fields.h"
#include "trident/spouts/text_file_reader.h"

namespace trident {
namespace {

namespace fs = std::filesystem;

Status CheckOptions(const TextFileOptions& options) {
  if (options.paths.empty()) {
    return InvalidArgument("a TextFileSpout needs the path of a file or directory, got none");
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
  return absl::OkStatus();
}

bool IsHidden(const fs::path& path) {
  const std::string name = path.filename().string();
  return !name.empty() && name[0] == '.';
}

// The same name whatever the working directory is: it stands in decision records.
std::string AbsolutePath(const std::string& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  return (error ? fs::path(path) : absolute).lexically_normal().string();
}

Status AddFilesBelow(const std::string& directory, std::set<std::string>& out) {
  std::error_code error;
  size_t found = 0;
  auto entry = fs::recursive_directory_iterator(directory, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (IsHidden(entry->path())) {
      entry.disable_recursion_pending();
      continue;
    }
    std::error_code unknown;  // a link that leads nowhere is no file
    if (!entry->is_regular_file(unknown)) continue;
    out.insert(entry->path().string());
    ++found;
  }
  if (error) {
    return Unavailable("cannot list the input directory \"", directory, "\": ", error.message());
  }
  if (found > 0) return absl::OkStatus();
  return InvalidArgument("the input directory \"", directory,
                         "\" holds no files; names that begin with \".\" do not count");
}

// "<path>#<reader>"
StatusOr<std::pair<std::string, uint32_t>> ParsePartition(const std::string& partition) {
  const size_t mark = partition.rfind('#');
  uint32_t reader = 0;
  if (mark != std::string::npos) {
    const char* const end = partition.data() + partition.size();
    const auto [stop, error] = std::from_chars(partition.data() + mark + 1, end, reader);
    if (error == std::errc() && stop == end) return std::pair(partition.substr(0, mark), reader);
  }
  return NotFound("\"", partition, "\" is no source partition of a text file");
}

class TextFiles final : public Spout {
 public:
  TextFiles(TextFileOptions options, SchemaRef schema)
      : options_(std::move(options)),
        schema_(std::move(schema)),
        counts_(options_.counts != nullptr ? options_.counts : std::make_shared<TextCounts>()) {}

  SpoutKind kind() const override { return SpoutKind::kTransactional; }
  const SchemaRef& schema() const override { return schema_; }
  StatusOr<std::vector<std::string>> Partitions() override;
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& partition,
                                                     WakeUp wake_up) override;
  Backlog BacklogAfter(const std::string& partition, const Position& position) override;
  std::string Describe() const override;

 private:
  // The same object for all readers of a file, so that they agree on what it was at the start.
  StatusOr<std::shared_ptr<const InputFile>> FileAt(const std::string& path);

  const TextFileOptions options_;
  const SchemaRef schema_;
  const std::shared_ptr<TextCounts> counts_;
  Mutex mutex_;
  std::map<std::string, std::shared_ptr<const InputFile>> files_ TRIDENT_GUARDED_BY(mutex_);
};

StatusOr<std::vector<std::string>> TextFiles::Partitions() {
  std::set<std::string> paths;
  for (const std::string& given : options_.paths) {
    const std::string path = AbsolutePath(given);
    std::error_code unknown;  // a path that cannot be looked at fails below, as a file
    if (fs::is_directory(path, unknown)) {
      TRIDENT_RETURN_IF_ERROR(AddFilesBelow(path, paths));
    } else {
      paths.insert(path);
    }
  }
  std::vector<std::string> partitions;
  for (const std::string& path : paths) {
    TRIDENT_ASSIGN_OR_RETURN(const std::shared_ptr<const InputFile> file, FileAt(path));
    for (uint32_t reader = 0; reader < options_.splits.readers; ++reader) {
      // Small files come in thousands: readers with nothing to read are left out while they have.
      const uint64_t first = options_.splits.NextOwned(reader, 0);
      const bool may_read = file->follow() == Follow::kYes || first < file->size_at_open();
      if (reader == 0 || may_read) partitions.push_back(Concat(path, "#", reader));
    }
  }
  return partitions;
}

StatusOr<std::shared_ptr<const InputFile>> TextFiles::FileAt(const std::string& path) {
  MutexLock lock(mutex_);
  std::shared_ptr<const InputFile>& file = files_[path];
  if (file == nullptr) {
    TRIDENT_ASSIGN_OR_RETURN(file, InputFile::Open(path, options_.follow));
  }
  return file;
}

StatusOr<std::unique_ptr<SourceReader>> TextFiles::OpenReader(const std::string& partition,
                                                              WakeUp /*wake_up*/) {
  TRIDENT_ASSIGN_OR_RETURN(const auto parsed, ParsePartition(partition));
  const auto& [path, reader] = parsed;
  if (reader >= options_.splits.readers) {
    return NotFound("\"", partition, "\" is no source partition: a file has ",
                    options_.splits.readers, " readers, numbered from 0");
  }
  TRIDENT_ASSIGN_OR_RETURN(std::shared_ptr<const InputFile> file, FileAt(path));
  return std::make_unique<TextFileReader>(
      TextFileReaderSpec{.share = {std::move(file), options_.splits, reader},
                         .rules = options_.rules,
                         .read_bytes = options_.read_bytes,
                         .poll_nanos = options_.poll_nanos,
                         .schema = schema_,
                         .counts = counts_});
}

Backlog TextFiles::BacklogAfter(const std::string& partition, const Position& position) {
  const auto parsed = ParsePartition(partition);
  if (!parsed.ok()) return {};
  const auto& [path, reader] = *parsed;
  const auto file = FileAt(path);
  if (!file.ok()) return {};
  const auto size = (*file)->SizeNow();
  const auto at = position.empty() ? StatusOr<TextPosition>(TextPosition())
                                   : TextPosition::Parse(position, path);
  if (!size.ok() || !at.ok()) return {};
  return Backlog::Bytes(options_.splits.OwnedBytes(reader, at->offset, *size));
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
