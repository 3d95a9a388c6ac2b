// Runs the kernel's own source on a CPU; see on_host.h.

#include "sampler.cu"

#include <csetjmp>
#include <random>
#include <ucontext.h>
#include <vector>

namespace host {

constexpr size_t kStack = 48 * 1024;
constexpr int kSweeps = 20000;  // without a meeting: nobody can go on any more

struct Block {
  Meeting meeting;
  std::vector<Warp> warps;
  std::vector<char> memory;
  char* shared = nullptr;
};

struct Cluster {
  Meeting meeting;
};

struct Fiber {
  ucontext_t context;
  jmp_buf place;
  std::vector<char> stack;
  int block = 0, thread = 0, generation = 0;
  bool begun = false, over = false;
};

Fiber* current = nullptr;
static std::vector<Block> blocks;
static std::vector<Cluster> clusters;
static int cluster_size = 1;
static ucontext_t main_context;
static jmp_buf scheduler;
static bool moved = false, failed = false;
static const Model* the_model = nullptr;
static const Call* the_call = nullptr;
static int cancel_at = -1;

int thread_index() { return current->thread; }
int block_index() { return current->block; }
Warp& warp() { return blocks[current->block].warps[current->thread / kWarp]; }
char* shared() { return blocks[current->block].shared; }
void progress() { moved = true; }
// The host may change its mind as soon as it hears of a frame.
void told(int frame) {
  if (cancel_at >= 0 && frame >= cancel_at) *const_cast<int*>(the_call->cancel) = 1;
}

void wait() {
  Fiber* mine = current;
  if (!_setjmp(mine->place)) _longjmp(scheduler, 1);
}
void fail() {
  failed = true;
  wait();
  __builtin_unreachable();
}
void meet(Meeting& meeting, int members) {
  const int generation = meeting.generation;
  if (++meeting.count == members) {
    meeting.count = 0;
    ++meeting.generation;
    moved = true;
  } else {
    while (meeting.generation == generation) wait();
  }
}
void meet_block() { meet(blocks[current->block].meeting, kThreads); }
static Meeting& cluster_meeting() { return clusters[current->block / cluster_size].meeting; }
void meet_cluster_arrive() {
  Meeting& meeting = cluster_meeting();
  current->generation = meeting.generation;
  if (++meeting.count == cluster_size * kThreads) {
    meeting.count = 0;
    ++meeting.generation;
    moved = true;
  }
}
void meet_cluster_wait() {
  while (cluster_meeting().generation == current->generation) wait();
}

static void enter() {
  sonorize_sample(the_model, the_call);
  current->over = true;
  moved = true;
  wait();
}

static void resume(Fiber& fiber) {
  current = &fiber;
  if (_setjmp(scheduler)) return;
  if (fiber.begun) _longjmp(fiber.place, 1);
  fiber.begun = true;
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack.data();
  fiber.context.uc_stack.ss_size = fiber.stack.size();
  fiber.context.uc_link = &main_context;
  makecontext(&fiber.context, enter, 0);
  setcontext(&fiber.context);
}

}  // namespace host

// 0: done; 1: the kernel gave up; 2: nobody could go on.
extern "C" int sonorize_on_host(const Model* model, const Call* call, int block_count, int shared_bytes, int cluster,
                                unsigned seed, int cancel_from) {
  using namespace host;
  the_model = model;
  the_call = call;
  failed = false;
  cancel_at = cancel_from;
  cluster_size = cluster;
  blocks = std::vector<Block>(block_count);
  clusters = std::vector<Cluster>((block_count + cluster - 1) / cluster);
  for (Block& block : blocks) {
    block.warps.resize(kWarps);
    block.memory.assign(shared_bytes + 256, static_cast<char>(0xFF));  // floats of these bytes are NaN
    block.shared = block.memory.data() + (128 - reinterpret_cast<uintptr_t>(block.memory.data()) % 128);
  }
  std::vector<Fiber> fibers(static_cast<size_t>(block_count) * kThreads);
  for (size_t i = 0; i < fibers.size(); ++i) {
    fibers[i].block = static_cast<int>(i / kThreads);
    fibers[i].thread = static_cast<int>(i % kThreads);
    fibers[i].stack.resize(kStack);
  }
  std::mt19937 draw(seed);
  int idle = 0;
  for (bool alive = true; alive && !failed;) {
    alive = moved = false;
    for (int turn = 0; turn < block_count; ++turn) {
      const int block = block_count == 1 ? 0 : static_cast<int>(draw() % block_count);
      const int shift = static_cast<int>(draw() % kThreads), back = static_cast<int>(draw() & 1);
      for (int i = 0; i < kThreads; ++i) {
        const int thread = (back ? kThreads - 1 - i + shift : i + shift) % kThreads;
        Fiber& fiber = fibers[static_cast<size_t>(block) * kThreads + thread];
        if (!fiber.over) resume(fiber);
        if (failed) return 1;
      }
    }
    for (const Fiber& fiber : fibers) alive |= !fiber.over;
    idle = moved ? 0 : idle + 1;
    if (idle > kSweeps) return 2;
  }
  for (const Block& block : blocks)
    for (int i = 0; i < 64; ++i)
      if (static_cast<u8>(block.shared[shared_bytes + i]) != 0xFF) return 3;  // wrote beyond its shared memory
  return failed ? 1 : 0;
}
extern "C" int sonorize_words(int which) { return static_cast<int>((which ? sizeof(Call) : sizeof(Model)) / 8); }
