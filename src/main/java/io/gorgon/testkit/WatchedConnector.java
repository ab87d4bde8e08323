package io.gorgon.testkit;

import io.gorgon.connection.Connection;
import io.gorgon.connection.Connector;
import io.gorgon.connection.SharedFigures;
import io.gorgon.message.Loan;
import io.gorgon.message.WorkerId;
import io.gorgon.wire.Frame;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;

/** Real connections, of which a kit notes what a test could leave over. Thread-safe. */
final class WatchedConnector implements Connector {

  /** What was noted, of all connectors of a pool. Thread-safe. */
  static final class Notes {
    private final Set<String> tokens = ConcurrentHashMap.newKeySet();
    private final Set<Loan> loans = ConcurrentHashMap.newKeySet();
    private final boolean ofLoans;

    /**
     * Notes nothing yet.
     *
     * @param ofLoans whether to note what is lent, which keeps it from being collected as garbage
     */
    Notes(boolean ofLoans) {
      this.ofLoans = ofLoans;
    }

    /** The run tokens of the pool's processes. */
    Set<String> tokens() {
      return tokens;
    }

    /** How many replies that borrow have not been closed. */
    int lent() {
      loans.removeIf(loan -> !loan.isOpen());
      return loans.size();
    }

    private void ready(long pid) {
      String token = RunProcesses.tokenOf(pid);
      if (!token.isEmpty()) {
        tokens.add(token);
      }
    }

    private void came(Frame frame) {
      Loan loan = frame.payload().loan();
      if (ofLoans && loan != Loan.NONE && loan != Loan.WANTED) {
        lent();
        loans.add(loan);
      }
    }
  }

  private final Connector connector;
  private final Notes notes;

  WatchedConnector(Connector connector, Notes notes) {
    this.connector = connector;
    this.notes = notes;
  }

  @Override
  public Connection open(WorkerId id, Connection.Listener listener) {
    return connector.open(
        id,
        new Connection.Listener() {
          @Override
          public void onReady(Connection.Ready ready) {
            notes.ready(ready.pid());
            listener.onReady(ready);
          }

          @Override
          public void onFrame(Frame frame) {
            notes.came(frame);
            listener.onFrame(frame);
          }

          @Override
          public long onPause() {
            return listener.onPause();
          }

          @Override
          public void onClosed(Connection.Closed closed) {
            listener.onClosed(closed);
          }
        });
  }

  @Override
  public void renew() {
    connector.renew();
  }

  @Override
  public void tend() {
    connector.tend();
  }

  @Override
  public SharedFigures shared() {
    return connector.shared();
  }

  @Override
  public CompletionStage<Map<WorkerId, Long>> memory() {
    return connector.memory();
  }

  @Override
  public CompletionStage<String> dump(WorkerId worker) {
    return connector.dump(worker);
  }

  @Override
  public CompletionStage<Void> close() {
    return connector.close();
  }
}
