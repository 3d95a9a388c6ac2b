// Before the first paint: says that scripts run, so that nothing appears or goes later that would shift the page.
document.documentElement.classList.add("scripted");
