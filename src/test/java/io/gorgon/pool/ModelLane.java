package io.gorgon.pool;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * The lane as the modelled pool drives it: who is a member, who is idle, which claims wait, and the
 * word "claimed" that goes to the pool's mailbox.
 */
final class ModelLane {

  private final ModelWorkers workers;
  private final Deque<PoolInput> mailbox;

  /** Claims of any worker, by request, that wait for one. */
  private final List<Long> entries = new ArrayList<>(3);

  /** Members that do nothing, the one that was busy last first. */
  private final Deque<Long> idle = new ArrayDeque<>(2);

  private final Set<Long> members = new TreeSet<>();

  /** Members that are claimed and busy still. */
  private final Set<Long> wanted = new TreeSet<>();

  ModelLane(ModelWorkers workers, Deque<PoolInput> mailbox) {
    this.workers = workers;
    this.mailbox = mailbox;
  }

  boolean isMember(ModelWorker worker) {
    return members.contains(worker.lineage);
  }

  boolean isIdle(ModelWorker worker) {
    return idle.contains(worker.lineage);
  }

  boolean isWanted(long lineage) {
    return wanted.contains(lineage);
  }

  boolean isEveryIdleOneAMember() {
    return members.containsAll(idle);
  }

  boolean hasEntryOf(long request) {
    return entries.contains(request);
  }

  /** Claims that wait for any worker. */
  int entries() {
    return entries.size();
  }

  boolean hasClaims() {
    return !entries.isEmpty() || !wanted.isEmpty();
  }

  void admit(ModelWorker worker) {
    members.add(worker.lineage);
    next(worker);
  }

  /** A worker takes a one-shot call. */
  void take(ModelWorker worker) {
    idle.remove(worker.lineage);
    worker.laneBusy = true;
  }

  /** A worker has ended a one-shot call. */
  void end(ModelWorker worker) {
    worker.laneBusy = false;
    next(worker);
  }

  /**
   * Claims a worker for a request: the preferred one, else the first idle one that lives, else the
   * next that becomes idle.
   */
  void claimAny(PoolEffect.ClaimAny claim, ModelWorker preferred) {
    Long runner = null;
    if (preferred != null && preferred.alive && idle.remove(preferred.lineage)) {
      runner = preferred.lineage;
    }
    while (runner == null && !idle.isEmpty()) {
      long polled = idle.removeFirst();
      runner = workers.get(polled).alive ? polled : null;
    }
    if (runner != null) {
      claimed(runner, claim.request());
    } else if (claim.first()) {
      entries.add(0, claim.request());
    } else {
      entries.add(claim.request());
    }
  }

  /** Takes a claim of {@link #claimAny} back. */
  void unclaim(Long request) {
    entries.remove(request);
  }

  /** Claims this worker: now if it is idle, else when it becomes so. */
  void claim(ModelWorker worker) {
    if (worker == null) {
      return;
    }
    if (idle.remove(worker.lineage)) {
      claimed(worker.lineage, 0);
    } else if (members.contains(worker.lineage)) {
      wanted.add(worker.lineage);
    }
  }

  void remove(ModelWorker worker) {
    members.remove(worker.lineage);
    idle.remove(worker.lineage);
    wanted.remove(worker.lineage);
  }

  private void next(ModelWorker worker) {
    if (!isMember(worker)) {
      return;
    }
    if (wanted.remove(worker.lineage)) {
      claimed(worker.lineage, 0);
    } else if (entries.isEmpty()) {
      idle.addFirst(worker.lineage);
    } else {
      claimed(worker.lineage, entries.remove(0));
    }
  }

  private void claimed(long lineage, long request) {
    members.remove(lineage);
    ModelWorker worker = workers.get(lineage);
    mailbox.addLast(new PoolInput.Claimed(worker.slot, worker.generation, request));
  }

  ModelLane copy(ModelWorkers theirs, Deque<PoolInput> mailboxOfCopy) {
    var copy = new ModelLane(theirs, mailboxOfCopy);
    copy.entries.addAll(entries);
    copy.idle.addAll(idle);
    copy.members.addAll(members);
    copy.wanted.addAll(wanted);
    return copy;
  }

  void describe(StringBuilder text) {
    text.append(entries).append(idle).append(members).append(wanted);
  }
}
