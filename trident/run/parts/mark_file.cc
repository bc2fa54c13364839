// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/mark_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "base/coding.h"
#include "base/hash.h"
#include "base/letter_partition.h"
#include "trident/run/parts/deaths_codec.h"

namespace trident {
namespace {

constexpr std::string_view kMagic = "trident marks 1\n";
constexpr size_t kHeadBytes = 64 * 1024;  // whole pages
constexpr size_t kHeadTextMax = kHeadBytes - 32;

Status Failed(const char* what, const std::string& path) {
  return Unavailable("cannot ", what, " ", path, ": ", std::strerror(errno));
}

// Steps beyond the room of a head are not remembered; there are as many as threads at most.
std::string HeadOf(const std::map<GroupId, EarlierDeaths>& deaths) {
  std::string text;
  for (const auto& [group, of_group] : deaths) {
    const size_t before = text.size();
    PutVarint(text, group.value());
    PutDeaths(of_group, text);
    if (text.size() > kHeadTextMax) text.resize(before);
  }
  std::string head(kMagic);
  PutFixed64(head, text.size());
  PutFixed64(head, HashBytes(text));
  return head + text;
}

}  // namespace

StatusOr<std::unique_ptr<MarkFile>> MarkFile::Open(const std::string& dir, uint32_t executors) {
  std::unique_ptr<MarkFile> file(new MarkFile(dir, executors));
  TRIDENT_RETURN_IF_ERROR(file->Reserve());
  if (!dir.empty()) file->ReadLast();
  return file;
}

MarkFile::~MarkFile() {
  if (marks_ != nullptr) ::munmap(marks_, mark_bytes());
}

// Memory without a file, which Begin puts under the same addresses.
Status MarkFile::Reserve() {
  void* memory =
      ::mmap(nullptr, mark_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return ResourceExhausted("no memory for the marks of ", executors_,
                             " executors: ", std::strerror(errno));
  }
  marks_ = static_cast<WorkMark*>(memory);
  for (size_t i = 0; i < executors_ + SideMarks::kMarks; ++i) new (marks_ + i) WorkMark;
  sides_ = std::make_unique<SideMarks>(marks_ + executors_);
  return absl::OkStatus();
}

void MarkFile::ReadLast() {
  const int fd = ::open((dir_ + "/MARKS").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  struct stat about;
  const bool whole = ::fstat(fd, &about) == 0 && about.st_size >= static_cast<off_t>(kHeadBytes);
  const size_t bytes = whole ? static_cast<size_t>(about.st_size) : 0;
  void* memory = whole ? ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
  ::close(fd);
  if (memory == MAP_FAILED) return;
  const char* const begin = static_cast<const char*>(memory);
  ByteReader head({begin, kHeadBytes});
  const bool ours = head.Bytes(kMagic.size()) == kMagic;
  const uint64_t text_bytes = head.Fixed64();
  const uint64_t hash = head.Fixed64();
  const std::string_view text = head.Bytes(text_bytes);
  if (ours && head.ok() && HashBytes(text) == hash) {
    for (ByteReader in(text); in.ok() && !in.done();) {
      const GroupId group(static_cast<uint32_t>(in.Varint()));
      EarlierDeaths deaths = TakeDeaths(in);
      if (in.ok()) before_[group] = std::move(deaths);
    }
    const auto* mark = reinterpret_cast<const WorkMark*>(begin + kHeadBytes);
    for (size_t n = (bytes - kHeadBytes) / sizeof(WorkMark); n > 0; --n, ++mark) {
      left_.push_back({mark->Look(), mark->noted_row()});
    }
  }
  ::munmap(memory, bytes);
}

std::optional<LastLife> MarkFile::LifeOf(GroupId group) const {
  Marks marks;
  for (uint32_t i = 0; i < executors_; ++i)
    marks.push_back({marks_[i].Look(), marks_[i].noted_row()});
  return LifeIn(marks, group);
}

std::optional<LastLife> MarkFile::LifeIn(const Marks& marks, GroupId group) {
  std::vector<BatchId> at_work, alone;
  Epoch epoch;
  for (const Left& left : marks) {
    const BatchId& call = left.seen.id;
    if (left.seen.busy && call.group == group && call.txid != TxId()) at_work.push_back(call);
    const bool is_row = left.row && left.row->partition != kLetterPartition;
    if (is_row && left.row->id.group == group) alone.push_back(left.row->id);
  }
  for (const auto* ids : {&at_work, &alone}) {
    for (const BatchId& id : *ids) epoch = std::max(epoch, id.attempt.epoch);
  }
  const auto is_older = [epoch](const BatchId& id) { return id.attempt.epoch != epoch; };
  std::erase_if(at_work, is_older);
  std::erase_if(alone, is_older);
  const auto by_txid = [](const BatchId& a, const BatchId& b) { return a.txid < b.txid; };
  TxId first;
  if (!at_work.empty()) {
    first = std::min_element(at_work.begin(), at_work.end(), by_txid)->txid;
  } else if (!alone.empty()) {
    first = std::max_element(alone.begin(), alone.end(), by_txid)->txid;
  } else {
    return std::nullopt;
  }
  return LastLife{epoch, LastIn(marks, group, epoch, TxId(first.value() - 1))};
}

LastProcess MarkFile::LastIn(const Marks& marks, GroupId group, Epoch epoch, TxId last_decided) {
  LastProcess last;
  last.last_decided = last_decided;
  uint32_t attempt_of_row = 0;
  std::set<std::string> steps;
  std::set<BatchId> busy;
  for (const Left& left : marks) {
    const BatchId& id = left.seen.id;
    const bool undecided = id.group == group && id.attempt.epoch == epoch && id.txid > last_decided;
    if (left.seen.busy && undecided) {
      steps.insert(left.seen.step);
      busy.insert(id);
      last.cause += Concat(last.cause.empty() ? "while step \"" : " or step \"", left.seen.step,
                           "\" worked (txid ", id.txid.value(), ", partition ", left.seen.partition,
                           ", row ", left.seen.row, " of its slice)");
    }
    // Nobody will read that one again.
    if (!left.row || left.row->partition == kLetterPartition) continue;
    const BatchId& row = left.row->id;
    const bool alone = row.group == group && row.attempt.epoch == epoch &&
                       row.txid == last_decided.Next() && row.attempt.counter > attempt_of_row;
    if (!alone) continue;
    attempt_of_row = row.attempt.counter;
    last.the_row = RowPlace{left.row->emitter, {left.row->partition, left.row->start}};
  }
  last.steps.assign(steps.begin(), steps.end());
  if (!steps.empty()) last.cause += LetterTriedIn(marks, busy);
  return last;
}

// The letters of a batch are noted one after the other; what worked behind an exchange may have
// been at any of them.
std::string MarkFile::LetterTriedIn(const Marks& marks, const std::set<BatchId>& batches) {
  for (const Left& left : marks) {
    if (!left.row || left.row->partition != kLetterPartition) continue;
    if (!batches.contains(left.row->id)) continue;
    return Concat(", in whose batch dead letters were tried again, the last of them ",
                  left.row->start, " (stream, txid, row)");
  }
  return "";
}

// The marks of requests have noted the function, and what it was given.
std::vector<std::string> MarkFile::CallsBesideBatches() const {
  std::vector<std::string> calls;
  for (const Left& left : left_) {
    if (!left.seen.busy || left.seen.id.group != GroupId(0)) continue;
    if (left.row) {
      calls.push_back(Concat("while DRPC function \"", left.row->partition, "\" worked in step \"",
                             left.seen.step, "\" on ", left.row->start));
    } else {
      calls.push_back(
          Concat("while ", left.seen.step, " worked (partition ", left.seen.partition, ")"));
    }
  }
  return calls;
}

std::optional<EarlierDeaths> MarkFile::DeathsBefore(GroupId group) const {
  const auto found = before_.find(group);
  return found == before_.end() ? std::nullopt : std::optional<EarlierDeaths>(found->second);
}

Status MarkFile::Begin(const std::map<GroupId, EarlierDeaths>& deaths) {
  if (dir_.empty()) return absl::OkStatus();
  const std::string path = dir_ + "/MARKS.new";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return Failed("make", path);
  const Status written = Write(fd, deaths);
  ::close(fd);
  if (written.ok()) sides_->Open();
  return written;
}

// All of the file has its room on the disk before it is mapped: a store into a hole for which there
// is no room would end the process.
Status MarkFile::Write(int fd, const std::map<GroupId, EarlierDeaths>& deaths) {
  const std::string path = dir_ + "/MARKS.new";
  std::string whole = HeadOf(deaths);
  whole.resize(kHeadBytes + mark_bytes());
  for (size_t at = 0; at < whole.size();) {
    const ssize_t n = ::pwrite(fd, whole.data() + at, whole.size() - at, static_cast<off_t>(at));
    if (n <= 0) return Failed("write", path);
    at += static_cast<size_t>(n);
  }
  if (::rename(path.c_str(), (dir_ + "/MARKS").c_str()) != 0) return Failed("rename", path);
  void* mapped = ::mmap(marks_, mark_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
                        static_cast<off_t>(kHeadBytes));
  if (mapped != marks_) return Failed("map", path);
  return absl::OkStatus();
}

}  // namespace trident
