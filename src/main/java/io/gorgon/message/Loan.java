package io.gorgon.message;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicReference;

/**
 * This is the right to look at memory that belongs to somebody else, until it is closed. One that
 * is forgotten does no harm: when nothing refers to it any more, the memory is given up instead of
 * used again. Thread-safe.
 */
public final class Loan implements AutoCloseable {

  /** Nothing is lent. */
  public static final Loan NONE = new Loan(new Terms(() -> {}, () -> {}));

  /** Of a request: its answer's bytes may be lent. */
  public static final Loan WANTED = new Loan(new Terms(() -> {}, () -> {}));

  /** What happens at the end; must not refer to the loan itself. */
  private static final class Terms implements Runnable {
    private final AtomicReference<Runnable> giveBack;
    private final Runnable forgotten;

    Terms(Runnable giveBack, Runnable forgotten) {
      this.giveBack = new AtomicReference<>(giveBack);
      this.forgotten = forgotten;
    }

    @Override
    public void run() {
      if (giveBack.getAndSet(null) != null) {
        forgotten.run();
      }
    }
  }

  /** Its thread is started by the first loan. */
  private static final class Cleaning {
    static final Cleaner CLEANER = Cleaner.create();
  }

  private final Terms terms;

  private Loan(Terms terms) {
    this.terms = terms;
  }

  /**
   * Lends something.
   *
   * @param giveBack runs when it is closed: the memory may be used again
   * @param forgotten runs, on a thread of its own, when it was never closed and nobody can any
   *     more: views of the memory may still be in use; must not refer to this loan
   */
  public static Loan of(Runnable giveBack, Runnable forgotten) {
    var loan = new Loan(new Terms(giveBack, forgotten));
    Cleaning.CLEANER.register(loan, loan.terms);
    return loan;
  }

  /** Whether the memory may still be looked at. */
  public boolean isOpen() {
    return this == NONE || terms.giveBack.get() != null;
  }

  /** Gives the memory back. Twice does no harm. */
  @Override
  public void close() {
    if (this == NONE || this == WANTED) {
      return;
    }
    Runnable giveBack = terms.giveBack.getAndSet(null);
    if (giveBack != null) {
      giveBack.run();
    }
  }

  /** Prints its state. */
  @Override
  public String toString() {
    return this == NONE ? "nothing" : this == WANTED ? "wanted" : isOpen() ? "open" : "closed";
  }
}
