package io.gorgon.pool;

import io.gorgon.message.PoolEvent;
import io.gorgon.message.WorkerId;
import io.gorgon.pool.PoolState.Holding;
import io.gorgon.pool.Slot.Member;
import io.gorgon.pool.Slot.Phase;
import io.gorgon.pool.WaitingLine.Waiter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * This is all that a pool knows of itself, and the effects that are being collected. It decides
 * nothing: the parts of {@link PoolState} do, and all of them work on the same books.
 */
final class PoolBooks {

  /** How far a pool is in its own life. */
  enum Mode {
    RUNNING,
    DRAINING,
    STOPPED
  }

  final PoolSettings settings;
  final List<Slot> slots = new ArrayList<>();
  final WaitingLine line;
  final Bindings bindings;
  final Restarts restarts;
  final Map<Lease, Holding> holdings = new LinkedHashMap<>();

  /** The processes that a reset has not reached yet. */
  final Deque<WorkerId> resets = new ArrayDeque<>();

  Mode mode = Mode.RUNNING;
  boolean circuitOpen;
  int min;
  int max;
  long now;
  long drainUntil;
  boolean drainCutShort;

  /** When calls or checkouts were last seen to wait. */
  long pressedAt = Long.MIN_VALUE;

  long lineages;
  long leases;

  /** Where a slot that is new begins to count its processes; above 0 for a pool that began anew. */
  private long firstGeneration;

  long staleMessages;
  private List<PoolEffect> effects = new ArrayList<>();

  PoolBooks(PoolSettings settings) {
    this(
        settings,
        new WaitingLine(),
        new Bindings(settings.sessionIdle()),
        new Restarts(settings.restart()));
  }

  /** For a pool that goes on counting from {@code former}. */
  PoolBooks(PoolSettings settings, Numbers former) {
    this(settings);
    this.lineages = former.lineages();
    this.leases = former.leases();
    this.firstGeneration = former.generation();
  }

  private PoolBooks(PoolSettings settings, WaitingLine line, Bindings bindings, Restarts restarts) {
    this.settings = settings;
    this.line = line;
    this.bindings = bindings;
    this.restarts = restarts;
    this.min = settings.minWorkers();
    this.max = settings.maxWorkers();
  }

  // ---- effects

  /** A new fact begins. */
  void begin(long time) {
    now = time;
    effects = new ArrayList<>(4);
  }

  /** What follows from the fact, in order. */
  List<PoolEffect> effects() {
    return effects;
  }

  void add(PoolEffect effect) {
    effects.add(effect);
  }

  void publish(PoolEvent event) {
    add(new PoolEffect.Publish(event));
  }

  void refuse(long request, Refusal refusal) {
    add(new PoolEffect.Refuse(request, refusal));
  }

  // ---- looking

  boolean isRunning() {
    return mode == Mode.RUNNING;
  }

  boolean isPast(long time) {
    return now - time >= 0;
  }

  /** Slots that have a worker, or will. */
  int occupied() {
    int count = 0;
    for (Slot slot : slots) {
      if (slot.isOccupied()) {
        count++;
      }
    }
    return count;
  }

  @Nullable Slot slot(int number) {
    return number >= 0 && number < slots.size() ? slots.get(number) : null;
  }

  WorkerId worker(Slot slot, long generation) {
    return new WorkerId(settings.name(), slot.number, generation);
  }

  /** The process that the waiter's session had last. */
  Bindings.@Nullable Binding bindingOf(Waiter waiter) {
    return waiter.kind().session().map(bindings::get).orElse(null);
  }

  /** Adds a slot that has had no process. */
  void addSlot() {
    var slot = new Slot(slots.size());
    slot.lastGeneration = firstGeneration;
    slots.add(slot);
  }

  /** Whether a slot has had no process. */
  boolean isFresh(Slot slot) {
    return slot.lastGeneration == firstGeneration;
  }

  /** How far this has counted, with the requests that the actor counts. */
  Numbers numbers(long requests) {
    long generation =
        slots.stream().mapToLong(slot -> slot.lastGeneration).max().orElse(firstGeneration);
    return new Numbers(lineages, leases, generation, requests);
  }

  /** Workers by what they do, for messages. */
  String figures() {
    int serving = 0;
    int leased = 0;
    int starting = 0;
    for (Slot slot : slots) {
      for (Member member : slot.members()) {
        serving += member.phase.isServing() ? 1 : 0;
        leased += member.phase == Phase.LEASED ? 1 : 0;
        starting += member.phase == Phase.STARTING ? 1 : 0;
      }
    }
    return serving
        + " workers ready ("
        + leased
        + " leased), "
        + starting
        + " starting, at most "
        + max;
  }

  /** The same for two that lead to the same decisions from now on; times count from now. */
  String fingerprint() {
    var text = new StringBuilder(200);
    text.append(mode.name(), 0, 2).append(circuitOpen ? '!' : '.').append(min).append(max);
    text.append(mode == Mode.DRAINING && !drainCutShort ? drainUntil - now : 0).append(resets);
    text.append(restarts.fingerprint(now));
    slots.forEach(slot -> slot.describe(text, now));
    line.describe(text, now);
    bindings.describe(text);
    for (Holding holding : holdings.values()) {
      text.append('|').append(holding.lease()).append('=').append(holding.waiter().request());
      text.append('/').append(holding.waiter().owner()).append(holding.before());
      text.append(holding.acknowledged()).append(holding.until() - now);
    }
    return text.toString();
  }

  PoolBooks copy() {
    var copy = new PoolBooks(settings, line.copy(), bindings.copy(), restarts.copy());
    slots.forEach(slot -> copy.slots.add(slot.copy()));
    copy.holdings.putAll(holdings);
    copy.resets.addAll(resets);
    copy.mode = mode;
    copy.circuitOpen = circuitOpen;
    copy.min = min;
    copy.max = max;
    copy.now = now;
    copy.drainUntil = drainUntil;
    copy.drainCutShort = drainCutShort;
    copy.pressedAt = pressedAt;
    copy.lineages = lineages;
    copy.leases = leases;
    copy.firstGeneration = firstGeneration;
    copy.staleMessages = staleMessages;
    return copy;
  }
}
