package io.gorgon.message;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import org.jspecify.annotations.Nullable;

/**
 * These are the facts of a pool's life that an operator may want to see or count. Nothing here is
 * about a single call that went well. Between nodes they go by their names; one that a node does
 * not know is null there.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "event", defaultImpl = Void.class)
@JsonSubTypes({
  @JsonSubTypes.Type(value = PoolEvent.WorkerStarting.class, name = "WorkerStarting"),
  @JsonSubTypes.Type(value = PoolEvent.WorkerReady.class, name = "WorkerReady"),
  @JsonSubTypes.Type(value = PoolEvent.WorkerGone.class, name = "WorkerGone"),
  @JsonSubTypes.Type(value = PoolEvent.WorkerRetiring.class, name = "WorkerRetiring"),
  @JsonSubTypes.Type(value = PoolEvent.WorkerNoticed.class, name = "WorkerNoticed"),
  @JsonSubTypes.Type(value = PoolEvent.SlotQuarantined.class, name = "SlotQuarantined"),
  @JsonSubTypes.Type(value = PoolEvent.CircuitOpened.class, name = "CircuitOpened"),
  @JsonSubTypes.Type(value = PoolEvent.CircuitClosed.class, name = "CircuitClosed"),
  @JsonSubTypes.Type(value = PoolEvent.LeaseGranted.class, name = "LeaseGranted"),
  @JsonSubTypes.Type(value = PoolEvent.LeaseEnded.class, name = "LeaseEnded"),
  @JsonSubTypes.Type(value = PoolEvent.CheckoutRefused.class, name = "CheckoutRefused"),
  @JsonSubTypes.Type(value = PoolEvent.PoolResized.class, name = "PoolResized"),
  @JsonSubTypes.Type(value = PoolEvent.PoolDraining.class, name = "PoolDraining"),
  @JsonSubTypes.Type(value = PoolEvent.PoolStopped.class, name = "PoolStopped"),
})
public sealed interface PoolEvent {

  /** The pool it is about. */
  String pool();

  /** A process is being started. */
  record WorkerStarting(WorkerId worker) implements PoolEvent {
    @Override
    public String pool() {
      return worker.pool();
    }
  }

  /** A process takes calls. */
  record WorkerReady(WorkerId worker, long pid) implements PoolEvent {
    @Override
    public String pool() {
      return worker.pool();
    }
  }

  /**
   * A process is gone.
   *
   * @param cause in words
   * @param planned whether the pool ended it in good order
   */
  record WorkerGone(WorkerId worker, Exit exit, String cause, boolean planned)
      implements PoolEvent {
    @Override
    public String pool() {
      return worker.pool();
    }
  }

  /** A process will be replaced while it works. */
  record WorkerRetiring(WorkerId worker, String reason) implements PoolEvent {
    @Override
    public String pool() {
      return worker.pool();
    }
  }

  /** A worker did something odd, which was put right. */
  record WorkerNoticed(WorkerId worker, String what) implements PoolEvent {
    @Override
    public String pool() {
      return worker.pool();
    }
  }

  /** A slot keeps failing and rests for a while. */
  record SlotQuarantined(String pool, int slot, long millis, String why) implements PoolEvent {}

  /** No slot can serve: calls are refused at once. */
  record CircuitOpened(String pool, String why) implements PoolEvent {}

  /** A slot serves again. */
  record CircuitClosed(String pool) implements PoolEvent {}

  /** A worker was handed to somebody. */
  record LeaseGranted(WorkerId worker, long lease, @Nullable String session) implements PoolEvent {
    @Override
    public String pool() {
      return worker.pool();
    }
  }

  /** A worker came back, or was taken back. */
  record LeaseEnded(WorkerId worker, long lease, String how) implements PoolEvent {
    @Override
    public String pool() {
      return worker.pool();
    }
  }

  /** Somebody was refused a worker. */
  record CheckoutRefused(String pool, String reason, String details) implements PoolEvent {}

  /** The limits changed. */
  record PoolResized(String pool, int min, int max) implements PoolEvent {}

  /** The pool takes nothing new. */
  record PoolDraining(String pool) implements PoolEvent {}

  /** The pool has stopped. */
  record PoolStopped(String pool) implements PoolEvent {}
}
