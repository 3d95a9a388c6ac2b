// What was chosen, kept in the browser's own database, so that a reload, a log-in or a closed lid loses nothing.

const STORE = "rows";

/** @param {string} owner whose list it is: two people at one browser see their own. */
export async function openKept(owner) {
  const database = await new Promise((resolve) => {
    try {
      const asked = indexedDB.open(`sonorize-upload-${owner}`, 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id" });
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = asked.onblocked = () => resolve(null);
    } catch {
      resolve(null); // in a private window there may be none
    }
  });

  /** Does something in a transaction of its own; what fails (a full disk, no database) is no reason to stop sending. */
  const doing = (mode, act) =>
    new Promise((resolve) => {
      if (!database) return resolve(null);
      try {
        const transaction = database.transaction(STORE, mode);
        const asked = act(transaction.objectStore(STORE));
        transaction.oncomplete = () => resolve(asked.result);
        transaction.onerror = transaction.onabort = () => resolve(null);
      } catch {
        resolve(null);
      }
    });

  return {
    all: async () => ((await doing("readonly", (store) => store.getAll())) ?? []).sort((a, b) => a.number - b.number),
    put: (row) => doing("readwrite", (store) => store.put(row)),
    remove: (id) => doing("readwrite", (store) => store.delete(id)),
    clear: () => doing("readwrite", (store) => store.clear()),
  };
}
