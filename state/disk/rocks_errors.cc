// SPDX-License-Identifier: Apache-2.0
#include "state/disk/rocks_errors.h"

#include <cerrno>
#include <cstring>

#include <rocksdb/status.h>

namespace trident {
namespace {

constexpr std::string_view kRestore = "Restore the directory from a backup";
constexpr std::string_view kReopen =
    "Its outcome is unknown until the directory is opened again: restart the process";

bool Mentions(const rocksdb::Status& status, const char* text) {
  return status.getState() != nullptr && std::strstr(status.getState(), text) != nullptr;
}

StatusCode CodeOf(const rocksdb::Status& status) {
  if (status.IsCorruption()) return StatusCode::kDataLoss;
  if (!status.IsIOError()) return StatusCode::kInternal;
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kSpaceLimit) {
    return StatusCode::kResourceExhausted;
  }
  if (Mentions(status, "Permission denied") || Mentions(status, "Read-only file system")) {
    return StatusCode::kPermissionDenied;
  }
  return StatusCode::kUnavailable;
}

std::string_view AdviceFor(StatusCode code, std::string_view otherwise) {
  switch (code) {
    case StatusCode::kDataLoss:
      return kRestore;
    case StatusCode::kResourceExhausted:
      return "Free space on its disk and restart the process";
    case StatusCode::kPermissionDenied:
      return "Make it readable and writable for this user, or choose another directory";
    default:
      return otherwise;
  }
}

}  // namespace

Status FromRocks(const rocksdb::Status& status, std::string_view action, std::string_view dir) {
  if (status.ok()) return {};
  const StatusCode code = CodeOf(status);
  return MakeStatus(code, "cannot ", action, " in ", dir, ": ", status.ToString(), ". ",
                    AdviceFor(code, kReopen));
}

bool IsFailureOfAnother(const rocksdb::Status& status) {
  return status.IsIOError() && Mentions(status, "Writer has previous error");
}

Status FromRocksOpen(const rocksdb::Status& status, std::string_view dir) {
  if (status.ok()) return {};
  StatusCode code = CodeOf(status);
  // Not an error of the device: the files contradict each other.
  if (code == StatusCode::kInternal || status.IsPathNotFound() ||
      Mentions(status, "No such file or directory")) {
    code = StatusCode::kDataLoss;
  }
  if (code == StatusCode::kDataLoss) {
    return DataLoss(dir, " is damaged, RocksDB says: ", status.ToString(), ". ", kRestore);
  }
  return MakeStatus(code, "cannot open ", dir, ": ", status.ToString(), ". ",
                    AdviceFor(code, "Check the disk, then try again"));
}

Status FromErrno(int error, std::string_view action, std::string_view path) {
  StatusCode code = StatusCode::kUnavailable;
  if (error == EACCES || error == EPERM || error == EROFS) code = StatusCode::kPermissionDenied;
  if (error == ENOSPC || error == EDQUOT) code = StatusCode::kResourceExhausted;
  if (error == ENOENT) code = StatusCode::kNotFound;
  return MakeStatus(code, "cannot ", action, " ", path, ": ", std::strerror(error), ". ",
                    AdviceFor(code, "Check the path and the disk, then try again"));
}

}  // namespace trident
