// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/pipe_text.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace trident {
namespace {

bool IsStandardInput(const std::string& path) { return path == "-" || path == "/dev/stdin"; }

// As the files in /proc: it has bytes, but no size.
bool IsMadeAsItIsRead(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  char first = 0;
  struct stat found;
  // Something may have written to an empty file just now.
  const bool has_bytes = ::read(fd, &first, 1) == 1;
  const bool is_made = has_bytes && ::fstat(fd, &found) == 0 && found.st_size == 0;
  ::close(fd);
  return is_made;
}

Status CannotRead(const std::string& path, int error) {
  const StatusCode code = error == ENOENT || error == ENOTDIR ? StatusCode::kNotFound
                          : error == EACCES                   ? StatusCode::kPermissionDenied
                                                              : StatusCode::kAborted;
  return MakeStatus(code, "cannot read the pipe \"", path, "\": ", std::strerror(error),
                    "; make it with mkfifo, or check the path");
}

}  // namespace

bool TextPipeSpout::Reads(const std::string& path) {
  if (IsStandardInput(path)) return true;
  struct stat found;
  if (::stat(path.c_str(), &found) != 0) return false;
  if (S_ISFIFO(found.st_mode) || S_ISCHR(found.st_mode)) return true;
  return S_ISREG(found.st_mode) && found.st_size == 0 && IsMadeAsItIsRead(path);
}

// Where standard input was closed, the process may have got something else under its number, such
// as an event descriptor, which has no type of a file.
Status CheckStandardInput() {
  struct stat found;
  const int flags = ::fcntl(STDIN_FILENO, F_GETFL);
  const bool is_open = flags >= 0 && ::fstat(STDIN_FILENO, &found) == 0 &&
                       (found.st_mode & S_IFMT) != 0 && (flags & O_ACCMODE) != O_WRONLY;
  if (!is_open) {
    return InvalidArgument(
        "expected lines on standard input, but it is closed or cannot be read; connect a pipe or a "
        "file to it, or give the path of one");
  }
  if (!S_ISDIR(found.st_mode)) return {};
  return InvalidArgument(
      "expected lines on standard input, found a directory; give its path to read the files in it");
}

// Standard input is not made non-blocking: who shares it with us would notice.
StatusOr<std::shared_ptr<PipeText>> PipeText::Open(const TextPipeOptions& options) {
  const bool is_standard = IsStandardInput(options.path);
  if (is_standard) TRIDENT_RETURN_IF_ERROR(CheckStandardInput());
  const int fd = is_standard ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                             : ::open(options.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return CannotRead(options.path, errno);
  std::shared_ptr<PipeText> text(new PipeText(options, fd));
  if (!is_standard && !TextPipeSpout::Reads(options.path)) {
    return InvalidArgument("\"", options.path,
                           "\" is no pipe; a TextFileSpout reads files, and "
                           "can read them again after a failure");
  }
  return text;
}

PipeText::~PipeText() { ::close(fd_); }

bool PipeText::HasInput(bool* is_end) const {
  pollfd at = {fd_, POLLIN, 0};
  if (::poll(&at, 1, 0) <= 0) return false;
  // A named pipe tells of no end before its first writer.
  *is_end = (at.revents & POLLIN) == 0;
  return true;
}

StatusOr<bool> PipeText::Take() {
  if (end_) return false;
  TRIDENT_ASSIGN_OR_RETURN(const std::string text, decoder_.Next(options_.read_bytes));
  if (!text.empty()) Append(text);
  if (!text.empty()) return true;
  if (decoder_.has_ended()) {
    End();
    return false;
  }
  bool is_end = false;
  if (!HasInput(&is_end)) return false;
  const bool may_come_back = options_.follow == Follow::kYes && !IsStandardInput(options_.path);
  ssize_t got = 0;
  if (!is_end) {
    buffer_.resize(options_.read_bytes);
    got = ::read(fd_, buffer_.data(), buffer_.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return false;
    if (got < 0) return CannotRead(options_.path, errno);
  }
  if (got == 0) {
    if (!may_come_back) decoder_.EndInput();
    return !may_come_back;
  }
  decoder_.Feed(std::string_view(buffer_).substr(0, static_cast<size_t>(got)));
  return true;
}

// Two bytes more than a line may have: one of them may be a return that is no part of it.
void PipeText::Append(std::string_view more) {
  const uint64_t line_max = options_.rules.line_bytes_max + 2;
  while (!more.empty()) {
    const size_t newline = more.find('\n');
    const bool is_whole = newline != std::string_view::npos;
    const std::string_view line = more.substr(0, is_whole ? newline : more.size());
    const uint64_t has = base_ + text_.size() - line_at_;
    text_ += line.substr(0, has < line_max ? line_max - has : 0);
    more.remove_prefix(line.size() + (is_whole ? 1 : 0));
    if (!is_whole) return;
    text_.push_back('\n');
    line_at_ = base_ + text_.size();
  }
}

void PipeText::End() {
  const uint64_t all = base_ + text_.size();
  const bool is_long = all - line_at_ > options_.rules.line_bytes_max;
  end_ = options_.last_line == LastLine::kYes || is_long ? all : line_at_;
}

StatusOr<FileBlock> PipeText::Read(uint64_t offset, uint64_t bytes) {
  offset = std::max(offset, base_);
  while (base_ + text_.size() < offset + bytes) {
    const StatusOr<bool> more = Take();
    if (!more.ok() && offset >= line_at_) return more.status();
    if (!more.ok() || !*more) break;
  }
  const uint64_t end = end_.value_or(base_ + text_.size());
  const size_t size = std::min(bytes, end - std::min(offset, end));
  std::shared_ptr<char[]> block(new char[size]);
  if (size > 0) std::copy_n(text_.data() + (offset - base_), size, block.get());
  return FileBlock{offset, {block.get(), size}, block, offset + size >= end};
}

// The rest moves to the front, so as little of it as is let go of: then a byte moves once at most.
void PipeText::LetGo(uint64_t offset) {
  const uint64_t behind = base_ + text_.size() - offset;
  if (offset <= base_ || offset - base_ < behind) return;
  text_.erase(0, offset - base_);
  base_ = offset;
}

}  // namespace trident
