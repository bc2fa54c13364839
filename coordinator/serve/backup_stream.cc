// SPDX-License-Identifier: Apache-2.0
//
// One backup: the names of all files, then their bytes, each part read when the client has taken
// the one before.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/hash.h"
#include "base/logging.h"
#include "coordinator/serve/admin_service.h"
#include "coordinator/serve/service_calls.h"

namespace trident {
namespace {

constexpr int64_t kBackupsMax = 2;
constexpr int32_t kBackupThreads = 1;
constexpr uint64_t kPartBytes = 512 * 1024;

// Reads files one after the other.
class FilesReader {
 public:
  ~FilesReader() { Close(); }

  // The next bytes of the files from number `file` on; "" behind the last one.
  StatusOr<std::string> Next(const std::vector<BackupFile>& files) {
    for (; file_ < files.size(); ++file_, at_ = 0) {
      const BackupFile& file = files[file_];
      if (at_ == file.bytes) {
        Close();
        continue;
      }
      return Read(file);
    }
    return std::string();
  }

 private:
  StatusOr<std::string> Read(const BackupFile& file) {
    if (fd_ < 0) fd_ = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) return Failed(file, std::strerror(errno));
    std::string bytes(std::min(kPartBytes, file.bytes - at_), '\0');
    size_t got = 0;
    while (got < bytes.size()) {
      const ssize_t n =
          ::pread(fd_, bytes.data() + got, bytes.size() - got, static_cast<off_t>(at_ + got));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Failed(file, std::strerror(errno));
      if (n == 0) return Failed(file, "it is shorter than it was");
      got += static_cast<size_t>(n);
    }
    at_ += got;
    return bytes;
  }
  static Status Failed(const BackupFile& file, const char* why) {
    return Internal("cannot read ", file.path, " for the backup: ", why);
  }
  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  size_t file_ = 0;
  uint64_t at_ = 0;  // in this file
  int fd_ = -1;
};

// At any time exactly one of these is under way: a step on the work thread, a write, Finish.
class BackupStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  BackupStream(BackupBackend& backend, grpc::CallbackServerContext& context,
               const grpc::ByteBuffer& request)
      : backend_(backend), peer_(context.peer()) {
    const Status status = Begin(context, request);
    if (!status.ok()) Finish(ToGrpc(status));
  }

  void OnWriteDone(bool ok) override {
    slot_.WriteEnds();
    ok ? PostStep() : Finish(grpc::Status::CANCELLED);
  }
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override { delete this; }

 private:
  Status Begin(grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes) {
    v1::BackupRequest request;
    TRIDENT_RETURN_IF_ERROR(ParseMessage(bytes, request));
    TRIDENT_ASSIGN_OR_RETURN(slot_, backend_.slots.Enter([&context] { context.TryCancel(); }));
    PostStep();
    return {};
  }

  void PostStep() {
    backend_.work.Post([this] { Step(); });
  }

  void Step() {
    if (cancelled_) return Finish(grpc::Status::CANCELLED);
    if (backend_.stopping) return Finish(ToGrpc(Unavailable("the topology is stopping")));
    v1::BackupPart part;
    const StatusOr<bool> more = is_begun_ ? Read(part) : Open(part);
    if (!more.ok()) return Finish(ToGrpc(more.status()));
    if (!*more) return Finish(grpc::Status::OK);
    bytes_ = SerializeMessage(part);
    slot_.WriteBegins();
    StartWrite(&bytes_);
  }

  StatusOr<bool> Open(v1::BackupPart& part) {
    is_begun_ = true;
    StatusOr<BackupFiles> backup = backend_.control.NewBackup();
    TRIDENT_LOG(WARN) << "backup, asked for by " << peer_ << ": " << backup.status().ToString();
    TRIDENT_RETURN_IF_ERROR(backup.status());
    backup_ = *std::move(backup);
    for (const BackupFile& file : backup_.files) {
      v1::BackupPart::File& out = *part.add_files();
      out.set_name(file.name);
      out.set_bytes(file.bytes);
    }
    return true;
  }
  StatusOr<bool> Read(v1::BackupPart& part) {
    TRIDENT_ASSIGN_OR_RETURN(std::string bytes, reader_.Next(backup_.files));
    if (bytes.empty()) return false;
    part.set_checksum(HashBytes(bytes));
    part.set_data(std::move(bytes));
    return true;
  }

  BackupBackend& backend_;
  const std::string peer_;
  StreamSlots::Slot slot_;
  std::atomic<bool> cancelled_{false};

  // Touched by whatever is under way.
  bool is_begun_ = false;
  BackupFiles backup_;
  FilesReader reader_;
  grpc::ByteBuffer bytes_;  // of the part that is being written
};

}  // namespace

BackupBackend::BackupBackend(TopologyControl& control_in, const Clock& clock, Nanos stall_max)
    : control(control_in),
      slots(clock, {"backups", kBackupsMax, stall_max}),
      work(kBackupThreads) {}

grpc::ServerWriteReactor<grpc::ByteBuffer>* NewBackupStream(BackupBackend& backend,
                                                            grpc::CallbackServerContext& context,
                                                            const grpc::ByteBuffer& request) {
  return new BackupStream(backend, context, request);
}

}  // namespace trident
