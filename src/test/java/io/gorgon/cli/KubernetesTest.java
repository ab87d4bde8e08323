package io.gorgon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.io.File;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** The manifests say the same as the configuration that the pods start with. */
class KubernetesTest {

  private static final Path FOLDER = Path.of("config/kubernetes");

  /** One document, or a part of one. */
  private record Part(Object value) {
    Part at(Object... path) {
      Object here = value;
      for (Object step : path) {
        here =
            step instanceof Integer index
                ? ((List<?>) here).get(index)
                : ((Map<?, ?>) here).get(step);
        assertThat(here).as("%s of %s", step, List.of(path)).isNotNull();
      }
      return new Part(here);
    }

    String text() {
      return String.valueOf(value);
    }

    long number() {
      return ((Number) value).longValue();
    }

    List<Part> all() {
      return ((List<?>) value).stream().map(one -> new Part(one)).toList();
    }

    /** The one of a list that has this name. */
    Part named(String name) {
      return all().stream()
          .filter(one -> one.at("name").text().equals(name))
          .findFirst()
          .orElseThrow();
    }
  }

  private final Map<String, Part> manifests = new TreeMap<>();
  private final Config config =
      ConfigFactory.parseFile(FOLDER.resolve("kubernetes.conf").toFile())
          .withFallback(ConfigFactory.defaultReference())
          .resolve();
  private final Part pod;
  private final Part container;

  KubernetesTest() throws IOException {
    read("gorgon.yaml", manifests);
    pod = manifests.get("Deployment").at("spec", "template", "spec");
    container = pod.at("containers", 0);
  }

  private static void read(String file, Map<String, Part> manifests) throws IOException {
    try (Reader reader = Files.newBufferedReader(FOLDER.resolve(file))) {
      for (Object document : new Yaml(new SafeConstructor(new LoaderOptions())).loadAll(reader)) {
        if (document != null) {
          var part = new Part(document);
          assertThat(manifests.put(part.at("kind").text(), part)).isNull();
        }
      }
    }
  }

  @Test
  void theParts() throws IOException {
    assertThat(manifests.keySet())
        .containsExactlyInAnyOrder(
            "ServiceAccount", "Service", "Deployment", "PodDisruptionBudget");
    Map<String, Part> api = new HashMap<>();
    read("api-discovery.yaml", api);
    assertThat(api.keySet()).containsExactlyInAnyOrder("Role", "RoleBinding");
    assertThat(api.get("Role").at("rules", 0, "verbs").value())
        .isEqualTo(List.of("get", "watch", "list"));
    assertThat(api.get("RoleBinding").at("subjects", 0, "name").text())
        .isEqualTo(manifests.get("ServiceAccount").at("metadata", "name").text())
        .isEqualTo(pod.at("serviceAccountName").text());
  }

  @Test
  void everySelectorFindsThePods() {
    Map<?, ?> labels =
        (Map<?, ?>)
            manifests.get("Deployment").at("spec", "template", "metadata", "labels").value();
    for (Part selector :
        List.of(
            manifests.get("Deployment").at("spec", "selector", "matchLabels"),
            manifests.get("PodDisruptionBudget").at("spec", "selector", "matchLabels"),
            manifests.get("Service").at("spec", "selector"),
            pod.at("topologySpreadConstraints", 0, "labelSelector", "matchLabels"))) {
      assertThat(labels.entrySet().containsAll(((Map<?, ?>) selector.value()).entrySet())).isTrue();
    }
  }

  @Test
  void portsAndPathsAreThoseOfTheConfiguration() {
    Part ports = container.at("ports");
    assertThat(ports.named("management").at("containerPort").number())
        .isEqualTo(config.getInt("pekko.management.http.port"));
    assertThat(ports.named("remoting").at("containerPort").number())
        .isEqualTo(config.getInt("pekko.remote.artery.canonical.port"));
    Map.of(
            "startupProbe",
            "startup-path",
            "readinessProbe",
            "readiness-path",
            "livenessProbe",
            "liveness-path")
        .forEach(
            (probe, key) -> {
              Part get = container.at(probe, "httpGet");
              assertThat(get.at("path").text())
                  .isEqualTo("/" + config.getString("pekko.management.health-checks." + key));
              assertThat(get.at("port").text()).isEqualTo("management");
              assertThat(Duration.ofSeconds(container.at(probe, "timeoutSeconds").number()))
                  .isGreaterThan(
                      config.getDuration("pekko.management.health-checks.check-timeout"));
            });
    assertThat(config.getBoolean("gorgon.node.management")).isTrue();
    assertThat(config.getString("pekko.management.http.bind-hostname")).isEqualTo("0.0.0.0");
    assertThat(config.getString("pekko.remote.artery.bind.hostname")).isEqualTo("0.0.0.0");
  }

  @Test
  void aPodIsNotKilledWhileItDrains() {
    Part stop = container.at("lifecycle", "preStop", "exec", "command");
    assertThat(stop.at(0).text()).isEqualTo("sleep");
    Duration before = Duration.ofSeconds(Long.parseLong(stop.at(1).text()));

    assertThat(Duration.ofSeconds(pod.at("terminationGracePeriodSeconds").number()))
        .isGreaterThan(before.plus(new ShutdownPhases(config).sum()));
  }

  @Test
  void bootstrapFindsTheHeadlessService() {
    Config bootstrap =
        config.getConfig("pekko.management.cluster.bootstrap.contact-point-discovery");
    Part service = manifests.get("Service");
    assertThat(service.at("spec", "clusterIP").text()).isEqualTo("None");
    assertThat(service.at("spec", "publishNotReadyAddresses").value()).isEqualTo(true);
    assertThat(
            service.at("spec", "ports").named(bootstrap.getString("port-name")).at("port").number())
        .isEqualTo(config.getInt("pekko.management.http.port"));
    String name = service.at("metadata", "name").text() + ".";
    assertThat(bootstrap.getString("effective-name")).startsWith(name);
    assertThat(container.at("env").named("SERVICE_NAME").at("value").text())
        .isEqualTo(name + "$(NAMESPACE).svc.cluster.local");
    long replicas = manifests.get("Deployment").at("spec", "replicas").number();
    assertThat(bootstrap.getLong("required-contact-point-nr")).isEqualTo(replicas);
    assertThat(container.at("env").named("REQUIRED_CONTACT_POINT_NR").at("value").text())
        .isEqualTo(Long.toString(replicas));
    assertThat(config.getStringList("pekko.cluster.seed-nodes")).isEmpty();
    assertThat(config.getStringList("pekko.extensions"))
        .contains("org.apache.pekko.management.cluster.bootstrap.ClusterBootstrap");
  }

  @Test
  void everyVariableIsReadBySomebody() throws IOException {
    Set<String> read = new TreeSet<>(Set.of("JAVA_TOOL_OPTIONS", "NAMESPACE"));
    for (String file :
        List.of("node.conf", "cluster/sessions.conf", "kubernetes/kubernetes.conf")) {
      Pattern.compile("\\$\\{\\?([A-Z_]+)}")
          .matcher(Files.readString(new File("config", file).toPath()))
          .results()
          .forEach(found -> read.add(found.group(1)));
    }
    Set<String> set = new TreeSet<>();
    container.at("env").all().forEach(variable -> set.add(variable.at("name").text()));
    assertThat(read).containsAll(set);
    assertThat(set).contains("POD_IP", "APP_VERSION", "SESSIONS_URL");
    assertThat(
            container
                .at("env")
                .named("APP_VERSION")
                .at("valueFrom", "fieldRef", "fieldPath")
                .text())
        .isEqualTo("metadata.labels['app.kubernetes.io/version']");
  }

  @Test
  void aPodHasNoRightsAndALimit() {
    assertThat(pod.at("securityContext", "runAsNonRoot").value()).isEqualTo(true);
    assertThat(pod.at("automountServiceAccountToken").value()).isEqualTo(false);
    Part security = container.at("securityContext");
    assertThat(security.at("allowPrivilegeEscalation").value()).isEqualTo(false);
    assertThat(security.at("readOnlyRootFilesystem").value()).isEqualTo(true);
    assertThat(security.at("capabilities", "drop").value()).isEqualTo(List.of("ALL"));
    assertThat(container.at("resources", "limits", "memory").text())
        .isEqualTo(container.at("resources", "requests", "memory").text());
    assertThat(pod.at("volumes").named("shm").at("emptyDir", "medium").text()).isEqualTo("Memory");
    assertThat(container.at("volumeMounts").named("shm").at("mountPath").text())
        .isEqualTo("/dev/shm");
    assertThat(container.at("volumeMounts").named("tmp").at("mountPath").text()).isEqualTo("/tmp");
  }

  @Test
  void anUpdateTakesNoNodeAwayBeforeItsSuccessorIsReady() {
    Part update = manifests.get("Deployment").at("spec", "strategy", "rollingUpdate");
    assertThat(update.at("maxUnavailable").number()).isZero();
    assertThat(update.at("maxSurge").number()).isEqualTo(1);
    assertThat(manifests.get("PodDisruptionBudget").at("spec", "maxUnavailable").number())
        .isEqualTo(1);
  }

  @Test
  void thePageNamesTheTwoJarsInTheVersionsOfTheBuild() throws IOException {
    String pom = Files.readString(Path.of("pom.xml"));
    String page = Files.readString(Path.of("src/site/markdown/cluster.md"));
    assertThat(page)
        .contains(
            "org.apache.pekko:pekko-discovery_2.13:" + found("<pekko.version>([^<]+)<", pom) + "\n")
        .contains(
            "org.apache.pekko:pekko-management-cluster-bootstrap_2.13:"
                + found(
                    "pekko-management-cluster-http_[^<]*</artifactId>\\s*<version>([^<]+)<", pom)
                + "\n");
  }

  private static String found(String pattern, String text) {
    var matcher = Pattern.compile(pattern).matcher(text);
    assertThat(matcher.find()).isTrue();
    return matcher.group(1);
  }

  @Test
  void theImageStartsTheNodeItself() throws IOException {
    List<String> lines = Files.readAllLines(FOLDER.resolve("Dockerfile"));
    assertThat(lines).anyMatch(line -> line.startsWith("ENTRYPOINT [\"tini\", \"--\", \"java\""));
    assertThat(lines)
        .contains("CMD [\"node\", \"--config\", \"config/kubernetes/kubernetes.conf\"]");
    assertThat(lines)
        .contains(
            "USER "
                + pod.at("securityContext", "runAsUser").text()
                + ":"
                + pod.at("securityContext", "runAsGroup").text());
  }
}
